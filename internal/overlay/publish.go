package overlay

import (
	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// publication is the state of the node's own summary.
type publication struct {
	shared    *summary.Filter // by the own index now
	told      *summary.Filter // to the neighbours
	seq       uint64          // of what was told; 0: nothing was
	leaf      bool            // as it was told
	signature []byte
	at        instant // when it was told
	rate      bucket
}

var publishLimit = limit{PublishEvery, PublishBurst}

// share takes what the own index can be found by from now on.
func (c *Core) share(f *summary.Filter) {
	c.own.shared = f
	if c.own.seq != 0 && f == c.own.told {
		return
	}
	due := c.upTo(PublishAtOnce)
	if c.own.seq != 0 {
		due = max(due, c.own.at+PublishLeast)
	}
	if due >= c.timers[timerPublish] && c.own.at+PublishEvery > c.timers[timerPublish] {
		return // it is planned already
	}
	c.timers[timerPublish] = due
}

// publish tells the neighbours the own summary, and plans to do so again before it
// would be forgotten. What changes all the time waits longer than what has just
// changed once.
func (c *Core) publish() {
	own := &c.own
	if own.seq != 0 && own.shared != own.told && !own.rate.take(c.now, publishLimit, 0) {
		c.timers[timerPublish] = own.at + PublishEvery
		if c.timers[timerPublish] > c.now {
			return
		}
	}
	before := own.seq
	own.seq = max(before+1, uint64(max(0, c.start.Add(c.now).UnixMilli())))
	s := &wire.Summary{Origin: c.self.Peer, Seq: own.seq, Leaf: c.cfg.Leaf, Filter: own.shared}
	if before != 0 && own.told != nil && own.shared != nil {
		if delta := own.told.Delta(own.shared); delta != nil {
			s.Filter, s.Base, s.Delta = nil, before, delta
		}
	}
	if c.cfg.Sign != nil {
		if s.Signature = c.cfg.Sign(s, own.shared); s.Signature == nil {
			own.seq = before // nobody would believe it
			return
		}
	}
	own.told, own.leaf, own.signature, own.at = own.shared, s.Leaf, s.Signature, c.now
	for _, l := range c.view {
		c.tell(l, s)
	}
	c.timers[timerPublish] = c.now + c.jitter(RenewEvery)
}

// introduce tells a new neighbour what this node shares, and what its neighbours do.
func (c *Core) introduce(l *link) {
	if s := c.whole(c.self.Peer); s != nil {
		c.tell(l, s)
	}
	for _, other := range c.view {
		if s := c.whole(other.peer); s != nil {
			c.tell(l, s)
		}
	}
}

// whole returns the summary of a neighbour, or of this node, as it was told last, or
// nil if it has told none.
func (c *Core) whole(peer wire.PeerID) *wire.Summary {
	if own := &c.own; peer == c.self.Peer {
		if own.seq == 0 {
			return nil
		}
		return &wire.Summary{Origin: peer, Seq: own.seq, Filter: own.told, Leaf: own.leaf, Signature: own.signature}
	}
	o, l := c.origins.find(peer), c.links[peer]
	if o == nil || l == nil || l.told != o.seq {
		return nil
	}
	return &wire.Summary{
		Origin: peer, Seq: o.seq, Filter: c.origins.filter(peer), Leaf: o.leaf, Signature: l.signature,
	}
}

// tell sends a neighbour a summary. Leaves relay nothing, so they need to know of
// none; and this node's word is worth nothing if it is one itself, but for its own.
func (c *Core) tell(l *link, s *wire.Summary) {
	if l.leaf || s.Origin == l.peer || c.cfg.Leaf && s.Origin != c.self.Peer {
		return
	}
	c.stats.SummariesOut++
	c.stats.SummaryBytesOut += uint64(weight(s))
	c.send(l.peer, wire.Message{Kind: wire.KindSummary, Summary: s})
}

// weight is about the size of a summary on the wire.
func weight(s *wire.Summary) int {
	const rest = 24 // sequence numbers, flags, tags and lengths
	return len(s.Origin) + len(s.Signature) + len(s.Delta) + s.Filter.Size() + rest
}
