package p2p

import "time"

// deadline is one of a stream's, set anew only where it must be: that costs the
// stream a timer, and a busy link would do so twice a message.
type deadline struct {
	set  func(time.Time) error
	ends time.Time
}

// within lets it end when limit is over, or up to a quarter of that sooner.
func (d *deadline) within(now time.Time, limit time.Duration) error {
	if left := d.ends.Sub(now); limit-limit/4 <= left && left <= limit {
		return nil
	}
	return d.at(now.Add(limit))
}

// at lets it end at that time.
func (d *deadline) at(t time.Time) error {
	if t.Equal(d.ends) {
		return nil
	}
	d.ends = t
	return d.set(t)
}
