package bootstrap

import "time"

// moment is a time in a third of the room that a [time.Time] takes, for what is kept
// very often: nanoseconds by a clock that nobody sets. The zero moment is the zero
// time, and longer ago than any other.
type moment int64

// start is when moments are counted from: so long ago that what is told of the past
// comes after it, and not so long that the future does not fit.
var start = time.Now().Add(-150 * 365 * 24 * time.Hour)

func momentOf(t time.Time) moment {
	if t.IsZero() {
		return 0
	}
	return max(1, moment(t.Sub(start)))
}

func (m moment) time() time.Time {
	if m == 0 {
		return time.Time{}
	}
	return start.Add(time.Duration(m))
}

func (m moment) add(d time.Duration) moment { return m + moment(d) }

// since is how long before m another moment was.
func (m moment) since(other moment) time.Duration { return time.Duration(m - other) }
