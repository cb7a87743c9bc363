package bootstrap

import "time"

// DefaultLease is how long a registration lives without a renewal. Clients renew
// at a third of it, so that two renewals may be lost.
const DefaultLease = 60 * time.Second

// The times of a name, which consensus grants. Presence has leases of its own.
const (
	// DefaultTerm is how long a name is its holder's for certain once its servers
	// have confirmed it.
	DefaultTerm = time.Hour
	// DefaultReserve is how long a silent peer's name is kept for its key: a week
	// on holiday costs nobody their name.
	DefaultReserve = 7 * 24 * time.Hour
)

// Limits bound what a [Server] takes on. A field that is zero means its default.
// When a limit is reached new ones are refused; live leases are never evicted.
type Limits struct {
	// Registrations is the number of live leases: 100,000 by default, some
	// 100 MiB.
	Registrations int
	// RegistrationsPerPeer is the number of names of one key: 8 by default, a
	// person's and those of some services.
	RegistrationsPerPeer int
	// Streams is the number of open streams: 20,000 by default.
	Streams int
	// StreamsPerPeer is the number of open streams of one peer: 8 by default, one
	// for requests and some lists and watches.
	StreamsPerPeer int
	// Watchers is the number of streams that watch: 10,000 by default.
	Watchers int
	// RequestsPerPeer is the number of requests a second of one peer: 20 by
	// default, with a burst of ten times as many.
	RequestsPerPeer float64
	// ClaimsPerIP is the number of registrations and removals a second from one
	// IP address (an IPv6 /64): 2 by default, with a burst of a hundred times as
	// many, so that a restarted server takes a house behind one address back at
	// once. Loopback, private and shared addresses are exempt.
	ClaimsPerIP float64
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	set(&l.Registrations, 100_000)
	set(&l.RegistrationsPerPeer, 8)
	set(&l.Streams, 20_000)
	set(&l.StreamsPerPeer, 8)
	set(&l.Watchers, 10_000)
	if l.RequestsPerPeer == 0 {
		l.RequestsPerPeer = 20
	}
	if l.ClaimsPerIP == 0 {
		l.ClaimsPerIP = 2
	}
	return l
}

// Bounds on what is read from the network.
const (
	// MaxName is the length of a name in characters.
	MaxName = 64
	// maxNameBytes: 64 characters of at most 4 bytes.
	maxNameBytes = 4 * MaxName
	// maxAddrs and maxAddr bound the addresses of a record; a relayed WebTransport
	// address with two certificate hashes takes some 250 bytes.
	maxAddrs = 16
	maxAddr  = 512
	// maxRecord bounds a sealed record: its addresses, name and signature.
	maxRecord = 4 << 10
	// maxRequest bounds a request's frame: one record and room for the rest.
	maxRequest = 8 << 10
	// maxResponse bounds a response's frame; pages are cut to it.
	maxResponse = 64 << 10
	// pageBytes is where a page ends: one more entry of any size fits the frame.
	pageBytes = maxResponse - maxRecord - 512
	// maxReason bounds the words of a refusal.
	maxReason = 256
	// maxSample is the number of peers handed out at once: some more than the 24
	// neighbours that a node keeps by default, as some of them will not answer.
	maxSample = 32
	// maxNeighbours bounds the neighbours that a peer tells of: a node has at most
	// that many.
	maxNeighbours = 64
	// maxAgent bounds the name and version of a peer's software.
	maxAgent = 64
	// maxListed bounds what a client takes from one server's list, and remembers
	// of what one server tells while it is watched.
	maxListed = 200_000
)

// Bounds on time.
const (
	// negotiateTimeout bounds opening a stream.
	negotiateTimeout = 5 * time.Second
	// messageTimeout bounds reading or writing one message.
	messageTimeout = 10 * time.Second
	// idleTimeout bounds the silence between requests. A client with a lease
	// renews more often; one without opens another stream when it needs one.
	idleTimeout = 2 * time.Minute
	// aliveInterval is how often a watch says that the server is alive, and
	// aliveTimeout after what silence a client believes that it is not.
	aliveInterval = 15 * time.Second
	aliveTimeout  = 3 * aliveInterval
	// pagesTimeout bounds sending a whole list to a slow reader, who keeps a copy
	// of the table in memory.
	pagesTimeout = listTimeout
	// listingAge is how long a copy of the table is handed out again.
	listingAge = time.Second
	// recordValidity is how long a signed record is believed; the owner signs
	// another when half of it is over.
	recordValidity = 24 * time.Hour
	// maxRecordValidity bounds what is accepted, so that a stolen key's records
	// end some day.
	maxRecordValidity = 7 * 24 * time.Hour
	// clockSkew is by how much two machines' clocks may differ.
	clockSkew = 2 * time.Minute
	// maxAhead is by how much a peer's own clock may once have been fast when it
	// signed. A server that tells of a record from later lies, and to exceed that
	// would use the sequence numbers up at all servers.
	maxAhead = 20 * 365 * 24 * time.Hour
)

// Bounds on memory.
const (
	// journalSize is the number of changes kept for watchers: at a thousand
	// changes a second one may lag by four.
	journalSize = 4096
	// writeQueue is the number of claims that wait for the disk, and writeBatch
	// how many share a sync.
	writeQueue = 1024
	writeBatch = 256
	// maxQuotas is the number of peers or addresses whose rates are remembered.
	// Beyond it strangers are refused until some have been quiet.
	maxQuotas = 100_000
	// compactSize is the size from which a store is rewritten when most of it is
	// history.
	compactSize = 4 << 20
)

// Bounds on what web clients take.
const (
	// maxEventStreams is the number of open pages; each gets every change.
	maxEventStreams = 256
	// maxEventStreamsPerIP is the number of them from one IP address (an IPv6
	// /64): some people's tabs behind one router. Loopback is exempt, for a proxy
	// on this machine speaks for everybody.
	maxEventStreamsPerIP = 16
	// maxShown is the number of registrations on the page: a screen shows no more,
	// and the first event to each reader stays below some 5 MiB.
	maxShown = 5000
	// eventBatch is the number of changes written to a page at once.
	eventBatch = 256
	// eventHeartbeat is how often a comment keeps proxies from ending a quiet
	// stream.
	eventHeartbeat = 15 * time.Second
	// eventRetry is how long a page waits before it comes back.
	eventRetry = time.Second
	// webWriteTimeout bounds one write to a web client: the list of 100,000 is
	// written in many.
	webWriteTimeout = 10 * time.Second
	// historyStep is the time between two points of a sparkline, and historySteps
	// how many are kept: ten minutes.
	historyStep  = 5 * time.Second
	historySteps = 120
	// maxRecent is the number of joins and leaves that a new page is told of.
	maxRecent = 64
)
