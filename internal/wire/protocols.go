package wire

// The protocol table. docs/protocol.md lists the same.
const (
	// Overlay carries everything between neighbours; see overlay.proto.
	Overlay = "/grapevine/overlay/1.0.0"
	// Service opens a byte stream to a named service; see service.proto.
	Service = "/grapevine/service/1.0.0"
	// Directory is spoken with bootstrap servers; see directory.proto.
	Directory = "/grapevine/directory/1.0.0"
	// Raft carries raft's messages between the servers of a federation, and
	// Federation what else they ask each other; see federation.proto.
	Raft       = "/grapevine/raft/1.0.0"
	Federation = "/grapevine/federation/1.0.0"
)

// Services that come with Grapevine. They run over [Service] like any other, and
// their names carry the version of what is spoken inside.
const (
	ChatService   = "grapevine.chat/1"
	BackupService = "grapevine.backup/1"
)

// Domains of what is signed: no signature of one kind can pass for another.
const (
	RegistrationDomain = "grapevine-registration"
	SummaryDomain      = "grapevine-summary"
	ConsentDomain      = "grapevine-federation-consent"
)

// DefaultNetwork is the network name of a node that was given none.
const DefaultNetwork = "grapevine"
