package names

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Defaults of what a holding is worth.
const (
	// DefaultTerm is how long a claim or renewal is worth to its holder.
	DefaultTerm = time.Hour
	// DefaultReserve is how long the name stays reserved for its owner after that.
	DefaultReserve = 7 * 24 * time.Hour
	// DefaultMaxPerOwner is the number of names of one key: a person's and those of
	// some services.
	DefaultMaxPerOwner = 8
	// DefaultMaxNames is the number of names: some 24 MiB.
	DefaultMaxNames = 100_000
)

// Bounds on what a command or a snapshot may contain.
const (
	// MaxKey bounds a key and a name: 64 characters of at most 4 bytes.
	MaxKey = 256
	// MaxSkeleton bounds a skeleton: a character may stand for several.
	MaxSkeleton = 4 * MaxKey
	// MaxOwner is the size of a peer ID.
	MaxOwner = wire.MaxPeerID
	// MaxRenewals is the size of a batch: with names of usual length some 60 KiB,
	// at the most what raft suggests for an entry, 512 KiB.
	MaxRenewals = 1024
	// MaxCommand bounds an encoded command.
	MaxCommand = MaxRenewals*(MaxKey+MaxOwner+16) + 4<<10
	// MaxSpan bounds a term and a reservation: none is meant to last for ever.
	MaxSpan = 10 * 365 * 24 * time.Hour

	// maxTime bounds a stamp, so that no sum of it and two spans overflows.
	maxTime = 200 * 365 * 24 * time.Hour
	// maxPart bounds a part of a snapshot: one holding.
	maxPart = 2*MaxKey + MaxSkeleton + MaxOwner + 64
	// maxHoldings bounds those of a snapshot, whatever limit the proposers had.
	maxHoldings = 10_000_000
	// maxRemovals bounds the removals that are remembered, some 4 MiB; the oldest
	// is forgotten first.
	maxRemovals = 16_384
	// removalAge is how long a removal is remembered: longer than the day for which
	// a signed claim is believed.
	removalAge = 25 * time.Hour
	// snapshotVersion is the version of the snapshots that this code reads.
	snapshotVersion = 1
)
