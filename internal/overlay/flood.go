package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// query takes in a neighbour's query: dropped if it was seen before or is over a
// limit, else looked up in the own index and flooded on.
func (c *Core) query(l *link, m *wire.Message) {
	c.stats.Queries++
	l.queries++
	if m.Query == nil {
		c.expel(l.peer)
		return
	}
	if !l.in.take(c.now, c.queryLimit, 0) {
		c.stats.QueriesOverRate++
		c.excess(l)
		return
	}
	bit := uint64(1) << l.slot
	if r := c.routes.find(c.now, m.GUID); r != nil {
		c.stats.QueriesDuplicate++
		if r.seen&bit != 0 {
			c.repeats(l)
		}
		r.seen |= bit
		return
	}
	if m.TTL == 0 || m.Hops >= MaxTTL {
		c.stats.QueriesExpired++
		return
	}
	ttl := min(m.TTL, MaxTTL-m.Hops) - 1
	hops := m.Hops + 1
	c.routes.add(c.now, m.GUID, route{from: l.serial, slot: l.slot, hops: hops, seen: bit})
	if ttl > 0 {
		c.flood(m.GUID, m.Query, ttl, hops, l)
	}
	e := c.emit(Match, l.peer)
	e.GUID, e.Query, e.Hops = m.GUID, m.Query, hops
}

// flood passes a query on to all neighbours but the one it came from. Relayed
// queries leave a reserve of every link's rate to the node's own, and a neighbour
// that sent much of late is served after those that sent little.
func (c *Core) flood(guid wire.GUID, q *wire.Query, ttl, hops uint8, from *link) {
	keep := 0
	if from != nil {
		burst := c.queryLimit.burst
		reserve := c.ownLimit().burst
		keep = reserve + from.in.used(c.now, c.queryLimit)*(burst-reserve)/(2*burst)
	}
	for _, l := range c.view {
		if l == from {
			continue
		}
		if !l.out.take(c.now, c.queryLimit, keep) {
			c.stats.QueriesUnshared++
			continue
		}
		c.stats.QueriesForwarded++
		c.send(l.peer, wire.Message{Kind: wire.KindQuery, GUID: guid, Query: q, TTL: ttl, Hops: hops})
	}
}

// excess notes that a link carried something over a limit, and ends it when that
// is more than an accident.
func (c *Core) excess(l *link) {
	if !l.excess.take(c.now, excessLimit, 0) {
		c.expel(l.peer)
	}
}

// repeats ends a link that sends the same GUIDs again and again, which no sound
// program does.
func (c *Core) repeats(l *link) {
	l.repeated++
	if l.repeated >= MaxRepeats && uint64(l.repeated)*1000 > uint64(l.queries)*RepeatsPerMille {
		c.expel(l.peer)
	}
}
