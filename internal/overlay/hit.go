package overlay

import (
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// returned takes a neighbour's hit or report one link back towards the asker.
func (c *Core) returned(l *link, m *wire.Message) {
	if !sound(m) {
		c.expel(l.peer)
		return
	}
	r := c.routes.find(c.now, m.GUID)
	if r == nil || r.from == l.serial || c.cfg.Leaf && r.from != 0 {
		c.stats.HitsUnrouted++
		c.excess(l)
		return
	}
	if r.from == 0 {
		c.arrivedHome(l.peer, uint64(l.serial), m)
		return
	}
	if r.direct && r.hops >= DirectAfter {
		c.stats.HitsIndirect++ // by who cannot dial the asker, or does not want to be known to it
		return
	}
	to := c.back(r)
	if to == nil {
		c.stats.HitsUnrouted++
		return
	}
	relayed := *m
	if m.Tally != nil {
		relayed.Tally = snapshot(m.Tally)
		relayed.Tally.Messages++
		if r.traced && len(m.Tally.Trace) < wire.MaxSteps {
			relayed.Tally.Trace = append([]wire.Step{{Peer: c.self.Peer}}, relayed.Tally.Trace...)
		}
	}
	if m.Kind == wire.KindReport {
		if r.reported >= MaxReports {
			c.excess(l)
			return
		}
		r.reported++
		c.send(to.peer, relayed)
		return
	}
	n := c.admitted(r, m.GUID, uint64(l.serial), len(m.Items))
	if n == 0 {
		c.excess(l)
		return
	}
	relayed.Items = m.Items[:n:n]
	c.stats.HitsRelayed++
	c.send(to.peer, relayed)
}

// direct takes a hit or report that comes straight from who made it, which is no
// neighbour. That it knows the GUID shows that the query came to it.
func (c *Core) direct(peer wire.PeerID, m *wire.Message) {
	r := c.routes.find(c.now, m.GUID)
	switch {
	case !sound(m) || m.Contact.Peer != peer:
		c.expel(peer)
	case r == nil || r.from != 0:
		c.stats.HitsUnrouted++
		c.end(peer, ReasonTransient)
	default:
		if s := c.attemptOf(m.GUID).search; s != nil {
			s.direct = true
		}
		c.arrivedHome(peer, stranger(peer), m)
	}
}

// arrivedHome takes a hit or report for a query of the node's own. Its source is the link
// that brought it, or the peer that made it and is no neighbour.
func (c *Core) arrivedHome(peer wire.PeerID, source uint64, m *wire.Message) {
	a := c.attemptOf(m.GUID)
	s := a.search
	if s == nil {
		c.stats.HitsUnrouted++
		return
	}
	if m.Kind == wire.KindReport {
		c.reported(a, m.Tally)
		return
	}
	r := c.routes.find(c.now, s.guid)
	if r == nil {
		r = c.routes.add(c.now, s.guid, route{})
	}
	n := c.admitted(r, s.guid, source, len(m.Items))
	if n == 0 {
		if l := c.links[peer]; l != nil {
			c.excess(l)
		}
		return
	}
	items := s.asked(m.Items[:n])
	fresh := s.fresh(m.Contact.Peer, source, items)
	s.found += fresh
	r.results -= uint8(n - fresh) // the room of all is for what is new
	if len(items) == 0 {
		return
	}
	if !s.direct && m.Hops > DirectAfter && m.Contact.Peer != peer && slices.Contains(s.backs, a.number&^sideAttempt) {
		c.undialled = c.now + UndialledFor
	}
	if m.Tally != nil {
		s.count(a.number, m.Tally)
	}
	if fresh > 0 { // the driver keeps room for as many hits as there may be results
		c.stats.HitsDelivered++
		e := c.emit(Deliver, peer)
		e.GUID, e.Msg, e.Tally = s.guid, *m, c.tally(s)
		e.Msg.Items = slices.Clip(items)
	}
	c.delivered(a, m.Tally)
}

// sound tells whether a hit or report holds what it has to.
func sound(m *wire.Message) bool {
	if m.Kind == wire.KindReport {
		return m.Tally != nil && valid(m.Contact)
	}
	return len(m.Items) > 0 && len(m.Items) <= wire.MaxItems && valid(m.Contact)
}
