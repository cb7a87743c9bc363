package overlay

import (
	"math/bits"
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// origin is a peer at most two links away, and what is known of its summary.
type origin struct {
	peer   wire.PeerID
	seq    uint64
	via    uint64 // the slots of the links that lead to it, its own if it is a neighbour
	heard  uint32 // when its summary was last renewed, in seconds
	mark   uint32
	since  uint32 // the tests that there had been before it was known
	falses uint16 // deliveries that its summary promised in vain
	leaf   bool
}

// origins are the peers whose summaries the node knows. A place in all is a slot
// in the bank.
type origins struct {
	bank    summary.Bank
	all     []origin
	places  map[wire.PeerID]int32
	tests   uint64 // queries tested so far, each against all
	matches []int32
}

// Origins returns the number of peers whose summaries are known.
func (c *Core) Origins() int { return len(c.origins.places) }

// StateBytes returns about how much memory the summaries known take.
func (c *Core) StateBytes() int {
	const entry = 48 + 32 + 38 + 8 + 32 // an origin, its place, its peer ID, its slot, its filter's head
	return c.origins.bank.Bytes() + len(c.origins.places)*entry
}

func (t *origins) find(peer wire.PeerID) *origin {
	if at, ok := t.places[peer]; ok {
		return &t.all[at]
	}
	return nil
}

func (t *origins) filter(peer wire.PeerID) *summary.Filter {
	if at, ok := t.places[peer]; ok {
		return t.bank.Get(int(at))
	}
	return nil
}

func (t *origins) add(peer wire.PeerID, f *summary.Filter) *origin {
	at := t.bank.Add(f)
	for at >= len(t.all) {
		t.all = append(t.all, origin{})
	}
	t.all[at] = origin{peer: peer, mark: peer.Mark(), since: uint32(t.tests)}
	t.places[peer] = int32(at)
	return &t.all[at]
}

func (t *origins) set(peer wire.PeerID, f *summary.Filter) {
	t.bank.Set(int(t.places[peer]), f)
}

func (t *origins) remove(peer wire.PeerID) {
	if at, ok := t.places[peer]; ok {
		t.bank.Remove(int(at))
		t.all[at] = origin{}
		delete(t.places, peer)
	}
}

// match returns the places of the origins that may have what is asked; good until
// the next call.
func (t *origins) match(p *summary.Pattern) []int32 {
	t.tests++
	t.matches = t.bank.Match(p, t.matches[:0])
	return t.matches
}

// unlink forgets that a link leads anywhere.
func (t *origins) unlink(slot uint8) {
	bit := uint64(1) << slot
	for i := range t.all {
		o := &t.all[i]
		if o.via&bit == 0 {
			continue
		}
		if o.via &^= bit; o.via == 0 {
			t.remove(o.peer)
		}
	}
}

// wayTo returns the link over which an origin is best reached: its own, or the one
// heard last of those that lead to it and not to where a walk was in the past. nil:
// none of them answers.
func (c *Core) wayTo(peer wire.PeerID, past []uint32) *link {
	usable := func(l *link) bool { return l.misses == 0 && !slices.Contains(past, l.mark) }
	if l := c.links[peer]; l != nil {
		if usable(l) {
			return l
		}
		return nil
	}
	o := c.origins.find(peer)
	if o == nil {
		return nil
	}
	var best *link
	for via := o.via; via != 0; via &= via - 1 {
		l := c.slots[bits.TrailingZeros64(via)]
		if l != nil && !l.leaf && usable(l) && (best == nil || l.heard > best.heard) {
			best = l
		}
	}
	return best
}
