package overlay

import "math/bits"

// spare sees that a link may tell a summary of so many bytes. Where all summaries
// together have what they may, those go which the link with the most of them led to;
// if that is this one, it has its share.
func (c *Core) spare(l *link, size int) bool {
	for c.origins.bank.Bytes()+size > MaxStateBytes {
		used := c.stateOf()
		greedy := l
		for _, other := range c.view {
			if used[other.slot] > used[greedy.slot] {
				greedy = other
			}
		}
		if used[greedy.slot] <= used[l.slot]+size {
			return false
		}
		o := c.largest(greedy)
		if o == nil {
			return false
		}
		c.stats.SummariesEvicted++
		c.drop(o)
	}
	return true
}

// stateOf returns how many bytes of summaries each link accounts for, by slot: of an
// origin that several lead to, each has a part. What neighbours tell of themselves
// does not count.
func (c *Core) stateOf() (used [MaxLinks]int) {
	for i := range c.origins.all {
		o := &c.origins.all[i]
		if o.peer == "" || c.links[o.peer] != nil {
			continue
		}
		part := c.origins.bank.Get(i).Size() / max(1, bits.OnesCount64(o.via))
		for via := o.via; via != 0; via &= via - 1 {
			used[bits.TrailingZeros64(via)] += part
		}
	}
	return used
}

// largest returns the origin with the largest summary that a link leads to, its own
// peer apart; nil: it leads to none.
func (c *Core) largest(l *link) (pick *origin) {
	most := -1
	for i := range c.origins.all {
		o := &c.origins.all[i]
		if o.via&l.bit() == 0 || c.links[o.peer] != nil {
			continue
		}
		if size := c.origins.bank.Get(i).Size(); size > most {
			pick, most = o, size
		}
	}
	return pick
}
