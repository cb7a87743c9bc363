package bootstrap

import "time"

// due counts leases by when they end, in steps of time, so that how many end
// together is known without looking at them all.
type due struct {
	step   time.Duration
	origin moment // of the steps; that of the first lease
	counts map[int64]int
}

func (d *due) add(end moment, n int) {
	if d.origin == 0 {
		d.origin = end
	}
	at := d.at(end)
	if d.counts[at] += n; d.counts[at] == 0 {
		delete(d.counts, at)
	}
}

// until counts the leases that end by a time, to the nearest step before it.
func (d *due) until(end moment) int {
	last, sum := d.at(end), 0
	for at, n := range d.counts {
		if at < last {
			sum += n
		}
	}
	return sum
}

func (d *due) at(end moment) int64 {
	since := end.since(d.origin)
	if since < 0 {
		since -= d.step - 1
	}
	return int64(since / d.step)
}
