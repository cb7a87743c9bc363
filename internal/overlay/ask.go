package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// waiting is an own query whose turn has not come.
type waiting struct {
	guid  wire.GUID
	query *wire.Query
	ttl   uint8
}

// ownLimit is the rate of own queries: what every link has in reserve for them
// at once, and then no more than a link carries. Faster ones would only be
// dropped by the neighbours, so they wait here.
func (c *Core) ownLimit() limit {
	return limit{every: c.queryLimit.every, burst: max(1, c.queryLimit.burst/OwnReserve)}
}

// ask starts a query of the node's own, as soon as its turn comes.
func (c *Core) ask(guid wire.GUID, q *wire.Query, ttl uint8) {
	if q == nil || c.routes.find(c.now, guid) != nil {
		return
	}
	if len(c.waiting) >= MaxWaiting {
		c.stats.QueriesUnasked++
		return
	}
	if ttl == 0 {
		ttl = c.cfg.QueryTTL
	}
	c.routes.add(c.now, guid, route{})
	c.waiting = append(c.waiting, waiting{guid, q, min(ttl, MaxTTL)})
	c.askWaiting()
}

// askWaiting floods the own queries whose turn has come.
func (c *Core) askWaiting() {
	for len(c.waiting) > 0 {
		if !c.own.take(c.now, c.ownLimit(), 0) {
			c.timers[timerAsk] = c.now + c.queryLimit.every
			return
		}
		w := c.waiting[0]
		c.waiting = append(c.waiting[:0], c.waiting[1:]...)
		c.flood(w.guid, w.query, w.ttl, 0, nil)
	}
}

// cancel drops what still waits or comes for a query of the node's own.
func (c *Core) cancel(guid wire.GUID) {
	if r := c.routes.find(c.now, guid); r != nil && r.from == 0 {
		r.closed = true
	}
	for i := range c.waiting {
		if c.waiting[i].guid == guid {
			c.waiting = append(c.waiting[:i], c.waiting[i+1:]...)
			return
		}
	}
}
