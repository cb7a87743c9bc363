package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// ask starts a query of the node's own. It may use every link's whole rate.
func (c *Core) ask(guid wire.GUID, q *wire.Query, ttl uint8) {
	if q == nil || c.routes.find(c.now, guid) != nil {
		return
	}
	if ttl == 0 {
		ttl = c.cfg.QueryTTL
	}
	c.routes.add(c.now, guid, route{})
	c.flood(guid, q, min(ttl, MaxTTL), 0, nil)
}

// cancel drops what still comes for a query of the node's own.
func (c *Core) cancel(guid wire.GUID) {
	if r := c.routes.find(c.now, guid); r != nil && r.from == 0 {
		r.closed = true
	}
}
