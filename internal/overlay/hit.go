package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// matched sends what the own index holds back to where the query came from.
func (c *Core) matched(guid wire.GUID, items []wire.Item) {
	r := c.routes.find(c.now, guid)
	if r == nil || r.from == 0 || len(items) == 0 {
		return
	}
	l := c.back(r)
	if l == nil {
		c.stats.HitsUnrouted++
		return
	}
	c.stats.QueriesAnswered++
	items = items[:c.admitted(r, guid, 0, min(len(items), MaxAnswerResults))]
	for len(items) > 0 {
		n := hitful(items)
		c.send(l.peer, wire.Message{
			Kind: wire.KindHit, GUID: guid, Contact: c.self, Hops: r.hops, Items: items[:n:n],
		})
		items = items[n:]
	}
}

// hit takes a neighbour's hit one link back towards the asker.
func (c *Core) hit(l *link, m *wire.Message) {
	if len(m.Items) == 0 || len(m.Items) > wire.MaxItems || !valid(m.Contact) {
		c.expel(l.peer)
		return
	}
	r := c.routes.find(c.now, m.GUID)
	if r == nil || r.from == l.serial {
		c.stats.HitsUnrouted++
		c.excess(l)
		return
	}
	if r.closed {
		c.stats.HitsUnrouted++
		return
	}
	to := c.back(r)
	if r.from != 0 && to == nil {
		c.stats.HitsUnrouted++
		return
	}
	n := c.admitted(r, m.GUID, l.serial, len(m.Items))
	if n == 0 {
		c.excess(l)
		return
	}
	relayed := *m
	relayed.Items = m.Items[:n:n]
	if r.from == 0 {
		c.stats.HitsDelivered++
		e := c.emit(Deliver, l.peer)
		e.GUID, e.Msg = m.GUID, relayed
		return
	}
	c.stats.HitsRelayed++
	c.send(to.peer, relayed)
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
