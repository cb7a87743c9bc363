package overlay

import (
	"slices"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// prefer looks for a better neighbour than one that this node chose: than one that is
// far slower than most, or over which things get lost, or of whose part of the
// network there are others. It asks one contact at a time, and lets the old one go
// when the new one is there.
func (c *Core) prefer() {
	if c.relays() < c.sought() || c.cfg.Leaf {
		return
	}
	worst := c.worst()
	if worst == nil {
		return
	}
	for i := range c.cache.entries {
		e := &c.cache.entries[i]
		if !e.proven || e.fails > 0 || e.until > c.now || c.requestTo(e.contact.Peer) != nil ||
			len(c.requests) >= MaxRequests || c.groupLinks(e.group) > 0 || e.rtt == 0 || e.rtt >= worst.rtt && worst.trust >= 0 {
			continue
		}
		e.until = c.now + RequestTimeout
		c.request(e.contact, wire.Message{Kind: wire.KindNeighbour}, true).instead = worst.peer
		return
	}
}

// worst returns the neighbour to be replaced first, or nil if all are good enough.
func (c *Core) worst() *link {
	rtts := make([]time.Duration, 0, MaxLinks)
	preferred := 0
	for _, l := range c.view {
		if l.leaf {
			continue
		}
		rtts = append(rtts, l.rtt)
		if l.preferred {
			preferred++
		}
	}
	if preferred*PreferredShare >= len(rtts) {
		return nil
	}
	slices.Sort(rtts)
	median := rtts[len(rtts)/2]
	var worst *link
	badness := time.Duration(0)
	old := OldestLinks
	for _, l := range c.view {
		if !l.leaf {
			old--
		}
		if !l.chosen || l.leaf || old >= 0 {
			continue
		}
		bad := max(0, l.rtt-SlowerThan*median)
		if l.trust < 0 {
			bad += time.Duration(-l.trust) * median / 2
		}
		if n := c.groupLinks(l.group); n > 1 {
			bad += time.Duration(n-1) * median / 2
		}
		if bad > badness {
			worst, badness = l, bad
		}
	}
	return worst
}

// replace parts with a neighbour in whose place another comes, if that may come.
func (c *Core) replace(peer wire.PeerID, other wire.Contact) bool {
	l := c.links[peer]
	if l == nil || c.crowded(c.group(other)) {
		return false
	}
	c.part(l, ReasonReplaced)
	return true
}
