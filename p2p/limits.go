package p2p

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
)

// Limits of a node. What concerns the protocol's logic is in internal/overlay,
// what concerns message sizes in internal/wire.
const (
	// outboxSize is the number of messages that may wait for one slow link; then
	// queries, hits and what else belongs to a search are dropped, and for anything
	// else the link is.
	outboxSize = 256
	// maxStrangers bounds the links that peers opened and that are no neighbours' yet.
	// Each of the holders that answer a search directly has one, for the two seconds
	// that it gives them; and joiners have one for a round trip: a seed that a thousand
	// nodes join through in a minute has ten. One costs 20 KiB besides its connection,
	// and 64 KiB more while it brings a large message: 20 MiB if attackers take all of
	// them, for which they need four public addresses.
	maxStrangers = overlay.MaxQueryResults + 48
	// passingReplies is how many replies to shuffles may be on dials of their own.
	passingReplies = overlay.ErrandBurst + int(dialTimeout/overlay.ErrandEvery)
	// maxLinks bounds the links of a node. Each kind has room however many there are of
	// the others: neighbours, requests, hits on their way to askers, replies, strangers.
	maxLinks = overlay.MaxLinks + overlay.MaxRequests + overlay.MaxDirects + passingReplies + maxStrangers
	// maxBanned is the number of hostile peers remembered.
	maxBanned = 1024
	// maxOutcomes is the number of peers whose last dial is remembered, for Join.
	maxOutcomes = 256
	// banTime is how long a peer that broke the protocol is refused.
	banTime = 10 * time.Minute

	// dialTimeout bounds reaching a peer and the two hellos.
	dialTimeout = 10 * time.Second
	// glareWait is how long the side that gives way waits for the other's stream
	// when both opened one at once: a dial, generously.
	glareWait = dialTimeout
	// messageTimeout bounds one message, from its first byte to its last.
	messageTimeout = 10 * time.Second
	// messageRate and messageBurst bound what is read from one link; the rest waits at
	// its sender, so that reading does not take the machine. All that the limits of the
	// protocol allow on a link, with its hits and summaries, is far less.
	messageRate  = 1000
	messageBurst = 2000
	// strangerRate and strangerBurst bound it on a link that is no neighbour's: all the
	// hits of a holder and the ends of its walks, or what is said of membership. There
	// may be hundreds of those links.
	strangerRate  = 20
	strangerBurst = 200
	// linkIdle ends a link on which nothing comes, though pings go every few
	// seconds.
	linkIdle = 60 * time.Second
	// transientLife ends a link that has not become a neighbour's, however much is
	// said on it: else strangers could hold all of maxLinks.
	transientLife = 20 * time.Second
	// flushTime is what a link that closes gets to send what is queued, and its peer
	// to close as well.
	flushTime = 5 * time.Second
	// leaveTime bounds the goodbye of a closing node.
	leaveTime = 2 * time.Second

	// dialInterval is the least time between two network-driven dials to one
	// address, so that nobody is turned into a weapon against a third party.
	dialInterval = time.Second
	// publicProbes and publicProbeTime bound those dials to one public IP.
	publicProbes    = 3
	publicProbeTime = time.Minute
	// maxProbes is the number of probes under way at once.
	maxProbes = 8
	// maxProbed is the number of addresses and IPs whose last dials are remembered.
	maxProbed = 4096
	// maxAddrs bounds the addresses taken from one record.
	maxAddrs = 16
	// unprovedRate and unprovedBurst bound the records from one link whose
	// signatures are not known yet: a check takes some 100 us, and an honest
	// neighbour sends ten in half a minute and a few for each join.
	unprovedRate  = 20
	unprovedBurst = 100
	// maxProved is the number of records whose signature is remembered as checked.
	maxProved = 4096
	// worldwideTime is how long the overlay is taken to reach beyond the own network after
	// the last sign of it: shuffles bring one within a minute.
	worldwideTime = 10 * time.Minute

	// matchQueue is the number of queries that may wait for the own index.
	matchQueue = 256
	// maxMatches bounds what the own index returns for one query: as
	// many as one link may bring.
	maxMatches = 64
	// maxQueries bounds the own queries under way.
	maxQueries = 256
	// defaultQueryTime ends a query that names no time, and defaultSurveyTime an
	// exhaustive one: some 180 steps over the Internet.
	defaultQueryTime  = 5 * time.Second
	defaultSurveyTime = time.Minute
	// lastWords is how long before the end of a query the core is to tell what it has
	// cost, at the most.
	lastWords = 250 * time.Millisecond
	// reindexTime is the least time between two readings of the indices: a large one
	// takes a second.
	reindexTime = time.Second
	// strainTime is how often the core is told that messages are dropped.
	strainTime = time.Second
	// hitQueue is the number of hits that may wait for a slow reader: all of them,
	// at 200 a query.
	hitQueue = 200

	// eventQueue is the number of events that may wait for one reader.
	eventQueue = 256
	// acceptQueue is the number of conns that may wait for Accept.
	acceptQueue = 128
	// maxServiceConns bounds the conns of all services of a node.
	maxServiceConns = 4096
	// openTimeout bounds the two frames that open a service's stream.
	openTimeout = 5 * time.Second
	// serviceDialTimeout bounds Dial where the context does not.
	serviceDialTimeout = 15 * time.Second

	// cacheSaveTime is how often the host cache is written.
	cacheSaveTime = time.Minute
	// joinTimeout bounds the wait for a first neighbour.
	joinTimeout = 15 * time.Second

	// presenceTime is how often a node announces itself, presenceExpiry how long
	// an announcement holds: three may be lost.
	presenceTime   = 20 * time.Second
	presenceExpiry = 70 * time.Second
	// presenceLeast is the least time between two announcements of one peer; what
	// comes sooner is not passed on, so that nobody floods the network with them.
	presenceLeast = time.Second
	// presenceAgain is when a newcomer is told once more: gossipsub's mesh has taken
	// it in by then.
	presenceAgain = 4 * time.Second
	// maxPresent bounds the online list that presence keeps: it serves networks of
	// hundreds; in larger ones a person is found by a query.
	maxPresent = 512
	// maxPresenceName bounds the name in an announcement in characters, as the
	// directory does, and maxPresenceNameBytes in bytes: 64 characters of at most 4.
	maxPresenceName      = 64
	maxPresenceNameBytes = 4 * maxPresenceName
)

// Limits of the libp2p host that a node makes.
const (
	// Between these the connection manager trims; neighbours are protected. Four
	// times the default degree, and room for the services.
	lowConns  = 160
	highConns = 256
	// connsPerAddress is for one public address: a household, a lab.
	connsPerAddress = 64
	// newConnsPerAddress is how many of them may be new each second.
	newConnsPerAddress = 1
	// overlayStreams is for one peer: one link, and what is opened at once, refused or
	// about to close.
	overlayStreams = 8
)

// Limits of gossipsub. Full queues drop silently, so they are large, and what is
// dropped is counted.
const (
	// pubsubOutbox is the number of RPCs that may wait for one peer (default 32).
	pubsubOutbox = 256
	// pubsubValidate is the number of messages that may wait for validation.
	pubsubValidate = 256
	// pubsubMessage bounds a message: a presence, or a room's text.
	pubsubMessage = 64 << 10
	// maxTopics bounds the subscriptions of one peer; the router would take any number.
	maxTopics = 64
	// maxSubscribers is the number of peers whose subscriptions are counted: four
	// times the connections that a host has.
	maxSubscribers = 4 * highConns
)
