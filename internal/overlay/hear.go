package overlay

import (
	"errors"
	"math"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

var (
	summaryLimit = limit{SummaryEvery, SummaryBurst}
	nearLimit    = limit{PublishLeast, PublishBurst} // no honest origin tells more
)

// summarised takes in a summary: the neighbour's own, which is passed on to the
// other neighbours, or that of one of its neighbours, which is not.
func (c *Core) summarised(l *link, m *wire.Message) {
	s := m.Summary
	if s == nil || s.Origin == "" || s.Seq == 0 { // 0: nothing was told
		c.expel(l.peer)
		return
	}
	c.stats.SummariesIn++
	c.stats.SummaryBytesIn += uint64(weight(s))
	near := s.Origin == l.peer
	switch {
	case s.Origin == c.self.Peer || c.distrusted.find(c.now, s.Origin) != nil:
		return
	case l.leaf && !near:
		c.expel(l.peer) // it said that it relays nothing
		return
	case !l.summaries.take(c.now, summaryLimit, 0):
		c.stats.SummariesRefused++
		return
	}
	o := c.origins.find(s.Origin)
	if o != nil && s.Seq <= o.seq {
		// Known already, by another way.
		if o.via&l.bit() == 0 && c.room(l, near) {
			o.via |= l.bit()
			l.origins++
		}
		if near && s.Seq == o.seq && l.told < s.Seq && l.published.take(c.now, nearLimit, 0) {
			l.told, l.signature = s.Seq, s.Signature
			known := c.whole(s.Origin)
			if !c.proven(known, known.Filter) {
				c.expel(l.peer) // it has told others something else
				return
			}
			c.passOn(l, known)
		}
		return
	}
	if near && !l.published.take(c.now, nearLimit, 0) {
		c.stats.SummariesRefused++
		return
	}
	if (o == nil || o.via&l.bit() == 0) && !c.room(l, near) || !c.spare(l, s.Filter.Size()) {
		c.stats.SummariesRefused++
		return
	}
	known, seq := c.origins.filter(s.Origin), uint64(0)
	if o = c.origins.find(s.Origin); o != nil { // it may have had to make room
		seq = o.seq
	}
	f, err := s.Resolve(known, seq)
	switch sound := err == nil && c.proven(s, f); {
	case errors.Is(err, wire.ErrGap), !sound && !near && s.Base != 0:
		// Who passed a change on is not to blame if it does not fit: an origin that
		// tells one neighbour this and another that could part all of them.
		c.want(l, s.Origin)
		return
	case !sound:
		c.expel(l.peer)
		return
	}
	if o == nil {
		o = c.origins.add(s.Origin, f)
	} else {
		c.origins.set(s.Origin, f)
	}
	if o.via&l.bit() == 0 {
		o.via |= l.bit()
		l.origins++
	}
	o.seq, o.leaf, o.heard = s.Seq, s.Leaf, uint32(c.now/time.Second)
	if near {
		l.told, l.signature = s.Seq, s.Signature
		c.passOn(l, s)
	}
	c.news(s.Origin, f)
}

// proven tells whether an origin signed its summary, which comes out as f.
func (c *Core) proven(s *wire.Summary, f *summary.Filter) bool {
	return c.cfg.Prove == nil || c.cfg.Prove(s, f)
}

// room tells whether a link may lead to one more origin: it has no more neighbours
// than a node can have.
func (c *Core) room(l *link, near bool) bool { return near || l.origins <= MaxLinks }

// passOn tells the other neighbours what one of them shares.
func (c *Core) passOn(from *link, s *wire.Summary) {
	for _, l := range c.view {
		if l != from {
			c.tell(l, s)
		}
	}
}

// want asks for the whole of a summary of which a change was missed.
func (c *Core) want(l *link, peer wire.PeerID) {
	if !l.wanting.take(c.now, summaryLimit, 0) {
		c.stats.SummariesRefused++
		return
	}
	c.send(l.peer, wire.Message{Kind: wire.KindSummaryWant, Peers: []wire.PeerID{peer}})
}

// wanted answers with whole summaries.
func (c *Core) wanted(l *link, m *wire.Message) {
	for _, peer := range m.Peers[:min(len(m.Peers), MaxLinks)] {
		if !l.wants.take(c.now, summaryLimit, 0) {
			c.stats.SummariesRefused++
			return
		}
		if s := c.whole(peer); s != nil {
			c.tell(l, s)
		}
	}
}

// withdrawn is told that a neighbour leads to some origins no longer.
func (c *Core) withdrawn(l *link, m *wire.Message) {
	for _, peer := range m.Peers {
		o := c.origins.find(peer)
		if o == nil || peer == l.peer || o.via&l.bit() == 0 {
			continue
		}
		l.origins--
		if o.via &^= l.bit(); o.via == 0 {
			c.origins.remove(peer)
		}
	}
}

// withdraw forgets what a link that is down led to, and tells the other neighbours
// that its peer is no longer two links away.
func (c *Core) withdraw(l *link) {
	o := c.origins.find(l.peer)
	told := o != nil && o.via&l.bit() != 0
	c.origins.unlink(l.slot)
	if told && !c.cfg.Leaf {
		c.disown(l.peer)
	}
}

func (c *Core) disown(peer wire.PeerID) {
	for _, l := range c.view {
		if !l.leaf && l.peer != peer {
			c.send(l.peer, wire.Message{Kind: wire.KindWithdraw, Peers: []wire.PeerID{peer}})
		}
	}
}

// forget drops the summaries that were not renewed in time.
func (c *Core) forget() {
	for i := range c.origins.all {
		if o := &c.origins.all[i]; o.peer != "" && c.now-instant(o.heard)*time.Second >= SummaryLife {
			c.drop(o)
		}
	}
}

// drop forgets one origin.
func (c *Core) drop(o *origin) {
	for _, l := range c.view {
		if o.via&l.bit() != 0 {
			l.origins--
		}
	}
	c.origins.remove(o.peer)
}

// falseMatch notes that a neighbour did not have what its summary promised. One that
// does so more often than its filter's rate explains, in the tests of this node and
// of the neighbours that it told, is trusted no longer.
func (c *Core) falseMatch(peer wire.PeerID) {
	c.stats.FalseMatches++
	o := c.origins.find(peer)
	if o == nil {
		return
	}
	o.falses++
	f := c.origins.filter(peer)
	if f == nil {
		return
	}
	tests := float64(uint32(c.origins.tests)-o.since) * float64(1+len(c.view))
	if float64(o.falses) > FalseSlack+2*math.Pow(f.Fill(), summary.Hashes)*tests {
		c.distrust(peer)
	}
}

// distrust drops an origin, here and at the neighbours, and hears no more of its
// summaries for a while.
func (c *Core) distrust(peer wire.PeerID) {
	c.stats.OriginsDropped++
	if c.distrusted.find(c.now, peer) == nil {
		c.distrusted.add(c.now, peer, struct{}{})
	}
	if o := c.origins.find(peer); o != nil {
		c.drop(o)
		if c.links[peer] != nil {
			c.disown(peer)
		}
	}
}
