package overlay

import (
	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// flood asks everybody within a TTL, as Gnutella 0.6 does: each peer passes a query
// that it has not seen on to all of its neighbours, and hits go back as it came.
type flood struct{}

func (flood) start(c *Core, s *search) {
	if guid, ok := c.open(s, nil, false); ok {
		s.own.Messages += uint32(c.spread(guid, s.query, s.ttl, 0, nil))
	}
}

func (flood) ended(*Core, *search) {}

func (flood) waited(*Core, *search) {}

// flooded takes in a neighbour's flooding query: dropped if it was seen before, else
// looked up in the own index and passed on.
func (c *Core) flooded(l *link, m *wire.Message) {
	if r := c.routes.find(c.now, m.GUID); r != nil {
		c.stats.QueriesDuplicate++
		if r.seen&l.bit() != 0 {
			c.repeats(l)
		}
		r.seen |= l.bit()
		return
	}
	if m.TTL == 0 || m.Hops >= MaxTTL {
		c.stats.QueriesExpired++
		return
	}
	ttl := min(m.TTL, MaxTTL-m.Hops) - 1
	hops := m.Hops + 1
	c.routes.add(c.now, m.GUID, route{from: l.serial, slot: l.slot, hops: hops, looked: true, question: c.digest(m.Query), seen: l.bit(), traced: m.Query.Trace})
	if ttl > 0 && !c.cfg.Leaf {
		c.spread(m.GUID, m.Query, ttl, hops, l)
	}
	e := c.emit(Match, l.peer)
	e.GUID, e.Query, e.Hops = m.GUID, m.Query, hops
}

// spread passes a query on to all neighbours but the one it came from, to leaves only
// if they may answer it, and tells how many messages that took.
func (c *Core) spread(guid wire.GUID, q *wire.Query, ttl, hops uint8, from *link) (sent int) {
	var pattern *summary.Pattern
	for _, l := range c.view {
		if l == from {
			continue
		}
		left := ttl
		if l.leaf {
			if pattern == nil {
				pattern = summary.For(q.Key, q.Words)
			}
			if at, told := c.origins.places[l.peer]; told && !c.origins.bank.Get(int(at)).Matches(pattern) {
				continue
			}
			left = 1
		}
		if !c.pay(l, from) {
			continue
		}
		sent++
		c.stats.QueriesForwarded++
		c.send(l.peer, wire.Message{Kind: wire.KindQuery, GUID: guid, Query: q, TTL: left, Hops: hops})
	}
	return sent
}
