package wire

// Limits on what is accepted from the network. Each is checked before the
// memory it bounds is allocated.
const (
	// MaxControlFrame bounds a frame of the overlay, service and directory
	// protocols: gtk-gnutella drops a link at hits over 64 KiB.
	MaxControlFrame = 64 << 10
	// MaxDataFrame bounds a frame that carries a piece of a blob: 1 MiB of
	// data and room for its header and proof.
	MaxDataFrame = 1<<20 + 64<<10

	// MaxSummaryFrame bounds the frame of a summary alone: its filter, and 1 KiB for
	// the rest.
	MaxSummaryFrame = MaxFilter + 1<<10

	// MaxFields bounds the fields of an overlay message, of its parts and of the
	// envelope around it: a tally, the one with most, has 72, and newer versions may
	// add some.
	MaxFields = 128

	// MaxNetworkName and MaxAgent bound the strings of a hello.
	MaxNetworkName = 64
	MaxAgent       = 64
	// MaxPeerID: an Ed25519 peer ID is 38 bytes, a hashed RSA one 34.
	MaxPeerID = 64
	// MaxRecord bounds a signed peer record: some 40 addresses.
	MaxRecord = 4 << 10
	// MaxContacts is the number of contacts in one exchange (10, as in a Gnutella pong).
	MaxContacts = 10
	// MaxServiceName bounds the name of a service.
	MaxServiceName = 64
	// MaxReason bounds the words of a refusal.
	MaxReason = 256

	// MaxKey bounds an item's exact key: a 32-byte hash and a prefix fit.
	MaxKey = 64
	// MaxWords and MaxWord bound a query's words; with them a query stays under
	// the 256 bytes above which Gnutella servents do not forward (8 x 24 + 64).
	MaxWords = 8
	MaxWord  = 64
	// MaxQuery is the encoded size of a query without its walk; larger ones cost the
	// link.
	MaxQuery = 1 << 10
	// MaxItemName and MaxItemData bound an item of a hit.
	MaxItemName = 255
	MaxItemData = 1 << 10
	// MaxItems and MaxHit bound one hit: 10 results or 4 KiB of them, and the
	// holder's record, its tally left out.
	MaxItems = 10
	MaxHit   = 4<<10 + MaxRecord
	// MaxWanted bounds the number of results a query may ask for.
	MaxWanted = 200

	// MaxPast and MaxTried bound what a walk remembers of the peers and the origins
	// that it comes to: it need not go back to those of its last 16 steps, and meets
	// few false matches among the 600 origins that a node knows.
	MaxPast  = 16
	MaxTried = 32
	// MaxSeen bounds the bitmap of the origins that a survey knows of: 8 bits for
	// each of 8,000 peers. It is as long, or an eighth of it in smaller overlays.
	MaxSeen = 8 << 10
	// MidSeen and LeastSeen are the sizes for walks that look for something: a bit
	// each for some thousand origins, and for a hundred.
	MidSeen   = 1 << 10
	LeastSeen = 1 << 7
	// MaxSteps bounds a trace: a scout and a walker go 52 links.
	MaxSteps = 64
	// MaxTally is the encoded size of a tally: its steps, and eight numbers.
	MaxTally = MaxSteps*(MaxPeerID+20) + 64
	// MaxWalk is the encoded size of a walk without its tally: the asker's record,
	// the bitmap, and 1 KiB for the rest.
	MaxWalk = MaxRecord + MaxSeen + 1<<10
	// MaxReport is the encoded size of a report without its tally: the peer's record.
	MaxReport = MaxRecord + 1<<10

	// MaxFilter is a summary's filter, and a change of one: 64 KiB of bits, 26,000
	// keys, words and pairs, and a byte of flags.
	MaxFilter = 64<<10 + 1
	// SignatureSize is that of a summary's signature, Ed25519.
	SignatureSize = 64
	// MaxOrigins bounds the origins that one message names.
	MaxOrigins = 64
)
