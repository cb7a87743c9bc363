package bootstrap

import "time"

// Bounds on what a client takes and keeps.
const (
	// watchQueue is the number of reports of servers that wait for a watcher: what
	// each of four servers tells in one turn.
	watchQueue = 1024
	// mendTimeout is how long a watch that broke is mended without a word to the
	// watcher: some attempts to connect.
	mendTimeout = 10 * time.Second
	// lingerTimeout is how long a detached client keeps an unused connection: what
	// it does comes in bursts of some calls.
	lingerTimeout = 2 * time.Second
	// maxRetryAfter bounds for how long a server can ask not to be asked again: a
	// detached peer's lease.
	maxRetryAfter = 10 * time.Minute
	// maxTerm bounds for how long a server can make a client sure of a name; it
	// is longer than an operator will set.
	maxTerm = 31 * 24 * time.Hour
	// advertiseAgain is when a namespace is advertised anew if a server did not
	// answer.
	advertiseAgain = time.Minute
	// maxSeeds is the number of peers taken from a list over HTTP: a host cache
	// full. maxSeedsBody bounds reading it, some 10,000 peers, of which these are
	// a sample; seedsTimeout bounds the whole.
	maxSeeds     = 256
	maxSeedsBody = 4 << 20
	seedsTimeout = 30 * time.Second
)
