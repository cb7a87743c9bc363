package overlay

import "time"

// instant is the time since the core's first event, by the driver's monotonic
// clock.
type instant = time.Duration

// bucket is a token bucket, kept as the one instant at which it was or would have
// been empty: (now - bucket) / every tokens are in it.
type bucket instant

// limit is a rate: one token every so often, and at most burst of them.
type limit struct {
	every time.Duration
	burst int
}

func (r limit) full(now instant) bucket { return bucket(now - time.Duration(r.burst)*r.every) }

// take takes a token if more than keep are there.
func (b *bucket) take(now instant, r limit, keep int) bool {
	if !b.has(now, r, keep) {
		return false
	}
	*b = max(*b, r.full(now)) + bucket(r.every)
	return true
}

// has tells whether more than keep tokens are there.
func (b bucket) has(now instant, r limit, keep int) bool {
	return now-instant(max(b, r.full(now))) >= time.Duration(keep+1)*r.every
}

// used returns how much of the burst is taken, in tokens.
func (b bucket) used(now instant, r limit) int {
	return max(0, r.burst-int((now-instant(b))/r.every))
}
