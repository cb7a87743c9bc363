package federation

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

// Bounds on what is read from other servers.
const (
	// maxHello bounds a hello and its answer.
	maxHello = 1 << 10
	// maxRequest bounds a request: a whole batch of renewals.
	maxRequest = names.MaxCommand + 1<<10
	// maxResponse bounds a response: the places of a batch, or a status.
	maxResponse = 64 << 10
	// maxMembers is the number of servers of a federation: five survive two
	// failures; some more may be on their way in or out.
	maxMembers = 16
	// maxAddrs and maxAddr bound the addresses of a server.
	maxAddrs = 8
	maxAddr  = 256
	// maxReason bounds the words of a refusal.
	maxReason = 256
	// maxSignature is the size of an Ed25519 signature.
	maxSignature = 64
	// maxConns bounds the streams of each protocol that are open towards this
	// server, and maxConnsPerPeer those of one peer: raft keeps a handful, and a
	// follower passes as many claims on as it has passing.
	maxConns        = 1024
	maxConnsPerPeer = 2 * maxPassing
	// maxStrangers and maxConnsPerStranger are those of peers that are no members as
	// far as this server knows: of the servers that wait to be one, or for one that
	// waits of all. However many come, there is room for members.
	maxStrangers        = 256
	maxConnsPerStranger = 16
	// maxPassing bounds what a follower passes on at the same time.
	maxPassing = 128
	// maxProposals bounds what a leader has under way.
	maxProposals = 4096
)

// Bounds on time.
const (
	// lockTimeout bounds the wait for another process to let the log's file go.
	lockTimeout = 5 * time.Second
	// helloTimeout bounds the exchange that opens a stream.
	helloTimeout = 5 * time.Second
	// askTimeout bounds a question to another server.
	askTimeout = 3 * time.Second
	// dialAttempts is how often a server is dialled before it counts as not reached,
	// and dialAgain within what time after the last attempt.
	dialAttempts = 3
	dialAgain    = 200 * time.Millisecond
	// raftIdle is how long raft's streams may be silent: raft keeps some of them
	// for later.
	raftIdle = time.Minute
	// raftWrite bounds the writing of an answer to raft.
	raftWrite = 10 * time.Second
	// replaceInterval is how often at the most one peer is taken back under
	// another incarnation: two servers with one key would replace each other for
	// ever.
	replaceInterval = 10 * time.Second
	// raftQuiet is for how long raft has to keep a complaint to itself before it is
	// passed on again: it repeats most of them all the time.
	raftQuiet = time.Minute
)

// Sizes of raft's log.
const (
	// snapshotThreshold is the number of entries after which there is a snapshot,
	// and trailingLogs those kept for servers that are a little behind. Most are
	// batches of renewals of up to 100 KiB.
	snapshotThreshold = 2048
	trailingLogs      = 512
	snapshotInterval  = 30 * time.Second
	// keptSnapshots is the number of snapshots on disk.
	keptSnapshots = 2
	// maxAppend is the number of entries that are written and sent at once.
	maxAppend = 256
)
