package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// query takes in a neighbour's query, if it is within the limits.
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
	if m.Walk != nil {
		c.walked(l, m)
	} else {
		c.flooded(l, m)
	}
}

// pay takes one query off the rate of a link that it is to go out over.
func (c *Core) pay(to, from *link) bool {
	if to.out.take(c.now, c.queryLimit, c.spared(from)) {
		return true
	}
	c.stats.QueriesUnshared++
	return false
}

// spared is what a query that came over a link leaves of each link's rate. Relayed
// queries leave a reserve to the node's own, and a neighbour that sent much of late is
// served after those that sent little. Nil: the query is the node's own.
func (c *Core) spared(from *link) int {
	if from == nil {
		return 0
	}
	burst, reserve := c.queryLimit.burst, c.ownLimit().burst
	return reserve + from.in.used(c.now, c.queryLimit)*(burst-reserve)/(2*burst)
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
