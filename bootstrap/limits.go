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
// When a limit is reached new ones are refused, and told when to try again; live
// leases are never evicted.
//
// An address is an IPv4 address or an IPv6 /64, and a subnet an IPv4 /24 or an IPv6
// /48. Loopback, private, link-local and shared ones and relays are exempt from
// what is limited by them, because many honest peers stand behind one.
type Limits struct {
	// Memory is the number of bytes that registrations may take: 100 MiB by
	// default. Who is there may sign a record of usual size even when they are used
	// up. Each server of a federation besides may take as much, and a kibibyte for each of
	// Registrations, with those that this one does not have, and takes some 300 bytes
	// with each that it has.
	Memory int
	// Registrations is the number of live leases: as many of usual size as fit the
	// memory by default, 102,400.
	Registrations int
	// RegistrationsPerPeer is the number of names of one key: 8 by default, a
	// person's and those of some services.
	RegistrationsPerPeer int
	// RegistrationsPerIP is the number of live leases that were registered from
	// one address: 1,024 by default, a school behind one router.
	RegistrationsPerIP int
	// RegistrationsPerSubnet is that of one subnet: 4,096 by default.
	RegistrationsPerSubnet int
	// Names is the number of names held, silent ones included: 100,000 by default,
	// some 24 MiB.
	Names int
	// Streams is the number of open streams: 20,000 by default, besides those of the
	// servers of the federation.
	Streams int
	// StreamsPerPeer is the number of open streams of one peer: 8 by default, one
	// for requests and some lists and watches.
	StreamsPerPeer int
	// Watchers is the number of streams that watch: 10,000 by default. One that does
	// not read takes 16 KiB until it is cut, after 10 s.
	Watchers int
	// RequestsPerPeer is the number of requests a second of one peer: 20 by
	// default, with a burst of ten times as many.
	RequestsPerPeer float64
	// RequestsPerIP is the number of requests a second from one address: 200 by
	// default, with a burst of ten times as many. A lease is renewed every 20 s, so
	// that is enough for all that it may have.
	RequestsPerIP float64
	// RequestsPerSubnet is that from one subnet: 1,000 by default.
	RequestsPerSubnet float64
	// ClaimsPerIP is the number of registrations and removals a second from one
	// address: 2 by default, with a burst of a hundred times as many, so that a
	// restarted server takes a house behind one address back at once.
	ClaimsPerIP float64
	// ClaimsPerSubnet is that from one subnet: 10 by default.
	ClaimsPerSubnet float64
	// NamesPerIP is the number of free names a day that may be claimed from one
	// address: 256 by default. A name stays reserved for days, so the rate of
	// claims alone would let one address use all names up.
	NamesPerIP float64
	// NamesPerSubnet is that from one subnet: 1,024 by default.
	NamesPerSubnet float64
}

// How fast what was used of a rate comes back: the burst is so many seconds of it.
const (
	requestBurst = 10
	claimBurst   = 100
	nameBurst    = secondsPerDay

	secondsPerDay = 24 * 60 * 60
)

// The budget for registrations.
const (
	// memoryBudget is what registrations may take by default.
	memoryBudget = 100 << 20
	// registrationCost is what one takes, with a name, four addresses and the
	// neighbours that it tells of.
	registrationCost = 1 << 10
	// defaultRegistrations is the number of them.
	defaultRegistrations = memoryBudget / registrationCost
	// entryCost is what the smallest takes besides its record: itself, its places
	// in the table's indexes, the peer ID, an address of its own that counts it and
	// room for what it tells. See BenchmarkRegistrationMemory.
	entryCost = 704
	// neighbourCost is what it takes to remember that a peer is another's
	// neighbour, and strangerCost what its ID does if nothing else is known of it.
	neighbourCost = 16
	strangerCost  = 48
)

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field == 0 {
			*field = value
		}
	}
	rate := func(field *float64, value float64) {
		if *field == 0 {
			*field = value
		}
	}
	if l.Registrations == 0 && l.Memory == 0 {
		l.Registrations, l.Memory = defaultRegistrations, memoryBudget
	}
	set(&l.Registrations, l.Memory/registrationCost)
	set(&l.Memory, l.Registrations*registrationCost)
	set(&l.RegistrationsPerPeer, 8)
	set(&l.RegistrationsPerIP, 1024)
	set(&l.RegistrationsPerSubnet, 4096)
	set(&l.Names, 100_000)
	set(&l.Streams, 20_000)
	set(&l.StreamsPerPeer, 8)
	set(&l.Watchers, 10_000)
	rate(&l.RequestsPerPeer, 20)
	rate(&l.RequestsPerIP, 200)
	rate(&l.RequestsPerSubnet, 1000)
	rate(&l.ClaimsPerIP, 2)
	rate(&l.ClaimsPerSubnet, 10)
	rate(&l.NamesPerIP, 256)
	rate(&l.NamesPerSubnet, 1024)
	return l
}

// What a server does with the time.
const (
	// detachedLease is the least lease of a peer that does not stay connected: it
	// connects for each renewal.
	detachedLease = 10 * time.Minute
	// renewalsPerLease: clients renew at a third of it.
	renewalsPerLease = 3
	// maxRenewals is the number of renewals a second that a server asks for: half
	// of what it does on two cores, so that there is room for claims and questions.
	// With more leases than that makes, leases get longer.
	maxRenewals = 5000
	// doubtLeast, doubtPercent and doubtWindow say when a server suspects itself
	// instead of its peers: when of so many leases or more, over so many per cent
	// would end within that part of a lease. Whoever is there renews thrice in a
	// lease, so what is about to end has been silent for most of one.
	doubtLeast   = 50
	doubtPercent = 15
	doubtWindow  = 6
	// dueSteps is the number of steps of a lease in which its end is reckoned.
	dueSteps = 24
	// promptWatchers is the number of watchers who are told of each change at once.
	// With more, all are told in turn, some in each turnStep, and every further one
	// makes a round longer by watcherShare: two seconds with ten thousand.
	promptWatchers = 100
	watcherShare   = 200 * time.Microsecond
	turnStep       = time.Millisecond
	// newsDelay is how long a round may wait at the most for claims that are under way:
	// a burst of them is over in that time, or takes long. One of fewer watchers waits
	// no longer than it takes itself.
	newsDelay = 2 * time.Second
	// listsRetry is when one may ask for a list again that was refused because too many
	// are on their way.
	listsRetry = 5 * time.Second
	// fullRetry is the least time until one that was refused for want of room may
	// try again.
	fullRetry = time.Second
	// watchersRetry is when one may try again that was refused because too many
	// watch.
	watchersRetry = 30 * time.Second
	// storeRetry is how long the server leaves a store alone that failed, and asks
	// others to.
	storeRetry = 5 * time.Second
	// claimTimeout bounds what a claim waits for consensus and the disk.
	claimTimeout = 10 * time.Second
	// maxGained is the number of names of which is remembered who gained them lately:
	// more than the disks of a federation let it grant within claimTimeout.
	maxGained = 32 << 10
	// upholdInterval is how often names are looked through for terms that are to
	// begin anew, and upholdShare of what part of a term if that is less; they
	// begin anew renewalsPerTerm times in a term. upholdTimeout bounds one round.
	upholdInterval  = 5 * time.Second
	upholdShare     = 12
	renewalsPerTerm = 4
	upholdTimeout   = time.Minute
	// membersInterval is how often a server asks the others how they are.
	membersInterval = 2 * time.Second
	// majorityRetry is when a claim may be tried again that no majority answered:
	// when others have elected a leader.
	majorityRetry = 2 * time.Second
)

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
	// maxResponse bounds a response's frame.
	maxResponse = 64 << 10
	// sampleBytes is what the entries of a sample take at the most: the rest of the frame
	// is for what goes with them.
	sampleBytes = maxResponse - 512
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
	// pagesTimeout bounds sending a whole list to a slow reader, who keeps one of
	// maxListings copies of the table in memory.
	pagesTimeout = listTimeout
	// relistInterval is how often a server hears all again that a fellow has, in
	// case something was lost on the way.
	relistInterval = 5 * time.Minute
	// firstFollow and lastFollow bound the time until a fellow that was lost is
	// tried again: its peers are believed for a lease only.
	firstFollow = 250 * time.Millisecond
	lastFollow  = 5 * time.Second
	// listingAge is how long a copy of the table is handed out again, and a change as
	// it was encoded: the spans in it are late by as much.
	listingAge = time.Second
	// listingShare is by how much longer than it took to make a copy is handed out
	// whatever changes; but for one of a directory of smallListing entries, hidden ones
	// too, which is made in less time than it takes to send it.
	listingShare = 9
	smallListing = 256
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
	// maxFellows bounds the servers that one follows: as many as a federation has
	// members.
	maxFellows = 16
	// tellBytes is what entries of a list or changes take that are told in one write, some
	// 50 of usual size: as much waits for whoever does not read, 160 MiB for ten thousand
	// watchers. One entry, with all that its owner tells, takes up to some 8.5 KiB.
	tellBytes = 16 << 10
	// turnBatches is how many writes a watcher is told in one turn: ten thousand hear all
	// of some 125 changes a second.
	turnBatches = 5
	// maxLists is the number of lists on their way, some 45 KiB each, and maxListsPerIP
	// those to one address.
	maxLists      = 1024
	maxListsPerIP = 64
	// maxListings is the number of copies of the table that are read at once: some
	// 10 MiB each, with 100,000 registrations, and what has changed since.
	maxListings = 8
	// journalSize is the number of changes kept for watchers: at a thousand
	// changes a second one may lag by eight.
	journalSize = 8192
	// journalBytes is what they take at the most in each of the two journals: more than
	// so many of usual size do, and a thousand of the biggest. changeCost is what each
	// takes besides what it tells.
	journalBytes = 16 << 20
	changeCost   = 400
	// writeQueue is the number of claims that wait for the disk, and writeBatch
	// how many share a sync.
	writeQueue = 1024
	writeBatch = 256
	// maxQuotas is the number of peers or addresses whose rates are remembered.
	// Beyond it strangers are refused until some have been quiet.
	maxQuotas = 100_000
	// fewQuotas is how many are not worth looking through.
	fewQuotas = 1024
)

// Bounds on what web clients take.
const (
	// maxEventStreams is the number of open pages; each gets every change.
	maxEventStreams = 256
	// maxEventStreamsPerIP is the number of them from one IP address (an IPv6
	// /64): some people's tabs behind one router. Loopback is exempt, for a proxy
	// on this machine speaks for everybody.
	maxEventStreamsPerIP = 16
	// maxWebLists is the number of whole lists on their way, and maxWebListsPerIP
	// those to one IP address: each takes a processor for some part of a second. A
	// list ends after pagesTimeout.
	maxWebLists      = 32
	maxWebListsPerIP = 4
	// maxShown is the number of registrations on the page: a screen shows no more,
	// and the first event to each reader stays below some 5 MiB.
	maxShown = 5000
	// eventBatch is the number of changes written to a page at once.
	eventBatch = 256
	// eventBytes is what of events to a page waits to be written, and what one of them
	// takes at the most besides: a record, with the neighbours that its owner tells, or
	// of eventSelves what they tell of themselves, some 3 KiB each with all neighbours.
	// The first event is one for all readers.
	eventBytes  = 64 << 10
	eventSelves = 32
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
