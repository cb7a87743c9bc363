package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// sweep looks at every link and request for what is overdue.
func (c *Core) sweep() {
	c.expire()
	c.hangUp()
	allowed := c.cfg.PingMisses
	if silent := c.relays() - c.healthy(); silent >= 3 && 2*silent > c.relays() {
		// So many at once: it may be this node that hears nothing.
		allowed++
	}
	for i := 0; i < len(c.view); {
		l := c.view[i]
		switch {
		case l.asked && c.now-l.pinged >= c.cfg.PingTimeout:
			l.misses++
			if int(l.misses) >= allowed {
				c.end(l.peer, ReasonSilent)
				c.down(l, ReasonSilent)
				continue // the next link has moved to i
			}
			c.hurry()
			c.ping(l)
		case !l.asked && c.now-l.heard >= c.cfg.PingEvery:
			c.ping(l)
		}
		i++
	}
}

func (c *Core) ping(l *link) {
	l.asked, l.pinged = true, c.now
	l.nonce = c.rng.Uint32()
	c.send(l.peer, wire.Message{Kind: wire.KindPing, Nonce: l.nonce})
}

// starved gives every neighbour the time again that this node was not there to
// hear it.
func (c *Core) starved() {
	c.stats.Starved++
	for _, l := range c.view {
		l.pinged, l.misses = c.now, 0
	}
}
