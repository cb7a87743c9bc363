package backup

import "time"

// Limits of the service. Those on frames are in internal/wire.
const (
	// defaultReplicas survives the loss of two holders.
	defaultReplicas = 3
	// MaxReplicas bounds the replicas of a blob, and with it the length of a chain.
	MaxReplicas = 10
	// maxChain is one less: the first holder is not in its own chain.
	maxChain = MaxReplicas - 1

	// chunkSize is the payload of a Data frame and of a Slice: small enough for
	// frameTime on a line of 100 kbit/s, large enough that the proof is under 1 %.
	// It is a multiple of groupSize.
	chunkSize = 256 << 10
	// maxChunk bounds what is accepted in one frame.
	maxChunk = 1 << 20
	// MaxBlob bounds a blob: the outboard, 0.39 % of it, is in memory while it
	// arrives.
	MaxBlob = 16 << 30
	// maxLabel bounds a sealed label: a name of 255 bytes and numbers.
	maxLabel = 512
	// MaxName bounds a backup's name in bytes, as file systems bound theirs.
	MaxName = 255
	// maxOrder bounds an encoded signed order.
	maxOrder = 2 << 10
	// maxOfferRecord bounds the signed peer record in an offer, so that the offer
	// fits a hit's 1 KiB.
	maxOfferRecord = 900
	// offerAddrs is how many addresses such a record holds.
	offerAddrs = 8

	// maxTransfers bounds the transfers that a holder serves at once, maxPeerTransfers
	// those of one peer: a chain and a restore for each of a few blobs.
	// A conn counts once its request has come; before, only those of one peer are bounded.
	maxTransfers     = 64
	maxPeerTransfers = 16
	// maxListed bounds the blobs that are listed from one holder.
	maxListed = 100_000

	// frameTime bounds one frame, from its first byte to its last.
	frameTime = 30 * time.Second
	// idleTime bounds the wait for the next frame while data flow.
	idleTime = 30 * time.Second
	// requestTime bounds the wait for a whole request, which a peer sends at once: the
	// 10 KiB of the longest chain, on a line that other transfers fill.
	requestTime = 10 * time.Second
	// transferTime and leastRate, in bytes a second, bound a whole transfer, so that
	// nobody keeps space reserved with a byte now and then. The rate is what frameTime
	// asks of a chunk, rounded down: two thirds of a line of 100 kbit/s. The time is for
	// what a small blob waits for: a connection that stalls and comes back.
	transferTime = 2 * time.Minute
	leastRate    = 8 << 10
	// openTime bounds the opening of a chain by each holder in it: a dial.
	openTime = 20 * time.Second
	// commitTime bounds making a blob durable: a slow disk with a full cache.
	commitTime = 2 * time.Minute

	// maxRounds bounds how often Put chooses anew, and how often Get asks anew for
	// holders without having got a byte further.
	maxRounds = 6
	// maxHolderFaults is how often one holder may break a restore off.
	maxHolderFaults = 3
	// maxOffers and maxHolders are the hits wanted of a query.
	maxOffers  = 64
	maxHolders = 64
	// queryTime ends a query. It ends sooner when there is nobody left to ask, or when
	// nothing has come for quietFactor times the slowest hit's round trip, within the
	// bounds: a search asks some peers after the others have answered.
	queryTime   = 6 * time.Second
	quietFactor = 4
	offerQuiet  = 400 * time.Millisecond
	locateQuiet = 3 * time.Second
	maxQuiet    = 3 * time.Second

	// maxEntries bounds what an archive may hold, against one that was made to fill
	// the disk with empty files.
	maxEntries = 20_000_000
	// maxUnpackMemory bounds the window of the decompressor.
	maxUnpackMemory = 64 << 20
	// maxNotes bounds the skipped paths that are told by name.
	maxNotes = 100
)
