package overlay

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// probe asks the driver to dial one contact: in turn one that was never verified,
// before it is passed on to anybody, and one that failed, which may be back. It
// returns the pause until the next.
func (c *Core) probe() time.Duration {
	var unproven, failed *entry
	seenU, seenF, proven := 0, 0, 0
	for i := range c.cache.entries {
		e := &c.cache.entries[i]
		if e.proven && e.fails == 0 {
			proven++
			continue
		}
		if e.until > c.now || c.requestTo(e.contact.Peer) != nil {
			continue
		}
		switch {
		case e.fails > 0:
			if seenF++; c.rng.IntN(seenF) == 0 {
				failed = e
			}
		default:
			if seenU++; c.rng.IntN(seenU) == 0 {
				unproven = e
			}
		}
	}
	e := unproven
	if e == nil || failed != nil && c.rng.IntN(2) == 0 {
		e = failed
	}
	pause := c.cfg.ProbeEvery
	if proven < FewProven {
		pause /= ProbeHaste
	}
	if e != nil {
		e.until = c.now + 2*RequestTimeout
		e.probed = c.now
		c.emit(Probe, e.contact.Peer).Target = e.contact
	}
	return pause
}

// probed is told that a contact answered. One that had failed before may be on
// the other side of a partition that healed: it is asked for a link even if the
// view is full, so that the sides grow together.
func (c *Core) probed(peer wire.PeerID) {
	e := c.cache.find(peer)
	if e == nil {
		return
	}
	back := e.fails > 0
	e.proven, e.fails, e.until = true, 0, 0
	if e.probed > 0 {
		e.rtt = max(1, (c.now-e.probed)/DialTrips)
	}
	if back && len(c.requests) < MaxRequests && c.requestTo(peer) == nil && !c.crowded(e.group) &&
		c.reunite.take(c.now, limit{ReuniteEvery, ReuniteBurst}, 0) {
		e.until = c.now + RequestTimeout
		c.request(e.contact, wire.Message{Kind: wire.KindNeighbour, Flag: true, Leaf: c.cfg.Leaf}, true).forced = true
		return
	}
	c.hurry()
}

// failed is told that a contact did not answer.
func (c *Core) failed(peer wire.PeerID) {
	if e := c.cache.find(peer); e != nil {
		c.cache.fail(peer, c.now, c.jitter(silenceOf(e.fails+1)))
	}
}
