package overlay

import (
	"slices"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// nextHop picks the link that a walk goes on over: towards its target, else towards
// an origin that matches, else to any peer where it has not been. Nil: there is none.
func (c *Core) nextHop(k *carried) *link {
	w := &k.walk
	from := c.slots[k.slot]
	if from != nil && from.serial != k.from {
		from = nil
	}
	if w.Target != "" {
		if l := c.wayTo(w.Target, w.Past); l != nil && l != from && c.pay(l, from) {
			return l
		}
		w.Target = ""
		w.Tally.Unreachable++
		if w.Kind == wire.WalkProbe {
			return nil
		}
	}
	for len(k.matches) > 0 {
		peer := k.matches[0]
		k.matches = k.matches[1:]
		o := c.origins.find(peer)
		if o == nil {
			continue
		}
		if l := c.wayTo(peer, w.Past); l != nil && c.pay(l, from) {
			w.Target = peer
			w.Tried = remember(w.Tried, o.mark, MaxTried)
			return l
		}
	}
	return c.anywhere(k, from)
}

// anywhere picks a neighbour that the walk has not been to and whose link can carry it:
// the best of a random half of them, or of as many more as it takes to find one that is
// sure to live; among the dead of all.
func (c *Core) anywhere(k *carried, from *link) *link {
	n := len(c.view)
	if n == 0 {
		return nil
	}
	start := c.rng.IntN(n)
	step := 1 + c.rng.IntN(n) // not the next one always: neighbours in a row are alike in age
	for gcd(step, n) != 1 {
		step++
	}
	enough := max(Candidates, n/2)
	if k.walk.Careful {
		enough = n
	}
	var pick *link
	keep, seen, spent := c.spared(from), 0, false
	for i := range n {
		l := c.view[(start+i*step)%n]
		if l == from || l.leaf || l.misses > 0 || slices.Contains(k.walk.Past, l.mark) {
			continue
		}
		if !l.out.has(c.now, c.queryLimit, keep) {
			spent = true
			continue
		}
		if pick == nil || c.better(l, pick) {
			pick = l
		}
		if seen++; seen >= enough && pick.trust >= 0 && c.sure(pick) {
			break
		}
	}
	switch {
	case pick != nil:
		pick.out.take(c.now, c.queryLimit, keep)
	case spent:
		c.stats.QueriesUnshared++
	}
	return pick
}

// better tells which of two neighbours a walk goes to: rather not where things get
// lost; rather to one heard of just now, which is sure to live; of those to the one
// that is near and beyond which much is unknown here; else to the one heard of last.
func (c *Core) better(l, than *link) bool {
	if (l.trust < 0) != (than.trust < 0) {
		return than.trust < 0
	}
	if c.sure(l) && c.sure(than) {
		return time.Duration(1+c.beyond(l))*than.trip() > time.Duration(1+c.beyond(than))*l.trip()
	}
	return l.heard > than.heard
}

// damaged tells whether neighbours are gone here, so that a walk may have come to a
// dead end that is none in a whole overlay.
func (c *Core) damaged(k *carried) bool { return len(k.lost) > 0 || c.healthy() < c.relays() }

// backOut takes a walk back to where it has been, to go on elsewhere from there.
func (c *Core) backOut(k *carried) *link {
	if k.walk.Kind == wire.WalkProbe {
		return nil
	}
	if l := c.slots[k.slot]; k.from != 0 && l != nil && l.serial == k.from && l.misses == 0 && !l.leaf &&
		!slices.Contains(k.lost, l.mark) && c.pay(l, l) {
		return l
	}
	return nil
}

// beyond is the number of origins that only this link leads to: the more, the fewer of
// those that its peer knows are known here.
func (c *Core) beyond(l *link) (n int) {
	for i := range c.origins.all {
		if c.origins.all[i].via == l.bit() {
			n++
		}
	}
	return n
}

// sure tells whether a neighbour was heard of so lately that it lives, and fresh whether
// most that were do.
func (c *Core) sure(l *link) bool { return c.now-l.heard <= SureFor }

func (c *Core) fresh(l *link) bool { return c.now-l.heard <= FreshFor }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
