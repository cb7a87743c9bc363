package bootstrap

import (
	"math"
	"time"
)

// moment is a time in a third of the room that a [time.Time] takes, for what is kept
// very often: nanoseconds by a clock that nobody sets. The zero moment is the zero
// time, and longer ago than any other.
type moment int64

// start is when the process began, by both clocks: a time that is too long ago has no
// reading of the monotonic one.
var start = time.Now()

// past is how much comes before start: more than anybody tells of. maxFuture keeps
// sums within an int64.
const (
	past      = 150 * 365 * 24 * time.Hour
	maxFuture = 100 * 365 * 24 * time.Hour
)

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return max(1, moment(past+min(maxFuture, t.Sub(start))))
}

// time returns the moment by the clock on the wall as it is set now.
func (m moment) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	now := time.Now()
	return now.Add(m.since(momentOf(now)))
}

func (m moment) add(d time.Duration) moment { return m + moment(d) }

// since is how long before m another moment was.
func (m moment) since(other moment) time.Duration { return time.Duration(m - other) }

// second is a time on the wall in the least room: seconds since 1970, until 2106.
type second uint32

func secondOf(t time.Time) second { return second(min(max(0, t.Unix()), math.MaxUint32)) }

func (s second) time() time.Time { return time.Unix(int64(s), 0) }
