package overlay

import (
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// matched is told what the own index holds for a query that came in.
func (c *Core) matched(ev *Event) {
	guid, items := ev.GUID, ev.Items
	if k := c.looking[guid]; k != nil {
		delete(c.looking, guid)
		if ev.Dropped {
			c.stats.WalksUnanswered++
			if r := c.routes.find(c.now, guid); r != nil {
				r.looked = false
			}
			c.unanswered(k)
		} else {
			c.looked(k, items)
		}
		return
	}
	r := c.routes.find(c.now, guid)
	if r == nil || r.from == 0 || len(items) == 0 {
		return
	}
	var t *wire.Tally
	if r.traced {
		t = &wire.Tally{Trace: []wire.Step{{Peer: c.self.Peer, Found: clamp16(len(items))}}}
	}
	c.hits(guid, r, r.hops, items, nil, t)
}

// answer sends what the own index holds to the asker of a walk. What cannot be sent is
// not found: the walk goes on.
func (c *Core) answer(k *carried, items []wire.Item) {
	r := c.routes.find(c.now, k.guid)
	if r == nil {
		return
	}
	n := min(len(items), MaxAnswerResults)
	t := &k.walk.Tally
	t.Found += uint32(n)
	if k.step > 0 {
		t.Trace[k.step-1].Found = clamp16(n)
	}
	t.Found -= uint32(n - c.hits(k.guid, r, k.hops, items, &k.walk, t))
}

// hits sends results, as many as fit into each hit, and returns how many were sent.
func (c *Core) hits(guid wire.GUID, r *route, hops uint8, items []wire.Item, w *wire.Walk, t *wire.Tally) (sent int) {
	c.stats.QueriesAnswered++
	way, ok := c.wayBack(hops, r, w)
	if !ok {
		c.stats.HitsUnrouted++
		return 0
	}
	items = items[:c.admitted(r, guid, 0, min(len(items), MaxAnswerResults))]
	if len(items) > 0 {
		c.set(&way)
	}
	for len(items) > 0 {
		n := hitful(items)
		m := wire.Message{
			Kind: wire.KindHit, GUID: guid, Contact: c.self, Hops: hops, Items: items[:n:n],
		}
		if t != nil {
			t.Messages++
			m.Tally = snapshot(t)
		}
		if !c.sendBack(&m, way) {
			c.stats.HitsUnrouted++
			return sent
		}
		sent += n
		items = items[n:]
	}
	return sent
}

// snapshot copies a tally that goes on changing.
func snapshot(t *wire.Tally) *wire.Tally {
	fixed := *t
	fixed.Trace = slices.Clone(t.Trace)
	return &fixed
}

// report tells the asker of a walk that it ended here.
func (c *Core) report(k *carried) {
	k.walk.Tally.Messages++
	m := wire.Message{
		Kind: wire.KindReport, GUID: k.guid, Contact: c.self, Hops: k.hops, Tally: snapshot(&k.walk.Tally),
	}
	r := c.routes.find(c.now, k.guid)
	if r == nil {
		return
	}
	if way, ok := c.wayBack(k.hops, r, &k.walk); ok {
		c.set(&way)
		if c.sendBack(&m, way) {
			c.stats.Reports++
		}
	}
}

// wayBack is how hits and reports go to an asker.
type wayBack struct {
	to     wire.PeerID
	over   *link        // that the query came over; nil: it is gone
	asker  *link        // a neighbour that is named as the asker, and may not have asked at all
	dialed wire.Contact // an asker that is no neighbour
}

// wayBack returns how what is said of a query goes to its asker: directly if a walk names
// one and the way back is longer than a dial is worth, else as the query came. A long way
// back would be taken by no relay then.
func (c *Core) wayBack(hops uint8, r *route, w *wire.Walk) (wayBack, bool) {
	back := c.back(r)
	if w != nil && w.Asker.Peer != "" && w.Asker.Peer != c.self.Peer {
		far := hops > DirectAfter
		l := c.links[w.Asker.Peer]
		switch {
		case l != nil && l == back: // it asked itself
			return wayBack{to: l.peer, over: l}, true
		case l != nil && l.answered.used(c.now, answerLimit)+c.kept(back) < answerLimit.burst:
			return wayBack{to: l.peer, over: back, asker: l}, true
		case l == nil && far && c.mayDial(w.Asker.Peer, back):
			return wayBack{to: w.Asker.Peer, over: back, dialed: w.Asker}, true
		case far:
			return wayBack{}, false
		}
	}
	if back == nil {
		return wayBack{}, false
	}
	return wayBack{to: back.peer, over: back}, true
}

// kept is how much of what a neighbour may be sent as a named asker is left to others
// when a query over this link names it: the more, the more of such there were.
func (c *Core) kept(over *link) int {
	if over == nil {
		return answerLimit.burst / 2
	}
	return over.naming.used(c.now, answerLimit) / 2
}

// dialsOf is what is left of the dials of askers that the queries over a link name; nil:
// over those that are gone.
func (c *Core) dialsOf(l *link) *bucket {
	if l == nil {
		return &c.answers
	}
	return &l.dialling
}

func (c *Core) mayDial(asker wire.PeerID, over *link) bool {
	return (c.dialTo(asker) >= 0 || len(c.directs) < MaxDirects) &&
		c.dialsOf(over).used(c.now, answerLimit) < answerLimit.burst
}

// dialTo is the place of an asker among those that are dialled, or -1.
func (c *Core) dialTo(asker wire.PeerID) int {
	return slices.IndexFunc(c.directs, func(d dialled) bool { return d.asker == asker })
}

// set takes what a way back costs before anything goes out on it.
func (c *Core) set(way *wayBack) {
	if way.dialed.Peer == "" {
		return
	}
	c.dialsOf(way.over).take(c.now, answerLimit, 0)
	at := c.dialTo(way.to)
	if at < 0 {
		at = len(c.directs)
		c.directs = append(c.directs, dialled{asker: way.to})
	}
	c.directs[at].due = c.now + DirectWithin
}

// sendBack sends a hit or report to its asker.
func (c *Core) sendBack(m *wire.Message, way wayBack) bool {
	if way.asker != nil {
		if !way.asker.answered.take(c.now, answerLimit, c.kept(way.over)) {
			return false
		}
		if way.over != nil {
			way.over.naming.take(c.now, answerLimit, 0)
		}
	}
	e := c.send(way.to, *m)
	if way.dialed.Peer != "" {
		e.Target = way.dialed
		c.stats.HitsDirect++
	}
	return true
}

// dialled is an asker to whom a hit or report is on its way.
type dialled struct {
	asker wire.PeerID
	due   instant // the link is closed then, if it is no neighbour's
}

// hangUp closes the links on which hits went to their askers.
func (c *Core) hangUp() {
	kept := c.directs[:0]
	for _, d := range c.directs {
		if c.now < d.due {
			kept = append(kept, d)
		} else if c.links[d.asker] == nil && c.requestTo(d.asker) == nil {
			c.end(d.asker, ReasonTransient)
		}
	}
	clear(c.directs[len(kept):])
	c.directs = kept
}

// hitful returns how many of items fit into one hit; at least one.
func hitful(items []wire.Item) int {
	const frame = 16 // of one item's fields, at the most
	bytes := 0
	for i := range items {
		bytes += len(items[i].Key) + len(items[i].Name) + len(items[i].Data) + frame
		if i == wire.MaxItems || i > 0 && bytes > MaxHitBytes {
			return i
		}
	}
	return len(items)
}
