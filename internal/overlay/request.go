package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// request is a link that was asked for and not answered yet.
type request struct {
	contact wire.Contact
	sent    instant
	chosen  bool        // the node sought the peer, rather than a walk
	forced  bool        // granted, the link displaces another if the view is full
	joining bool        // it is a Join: contacts may come with the reply
	hedged  bool        // it took so long that others are asked as well
	instead wire.PeerID // the neighbour that it is to replace
}

// request asks contact for a link by m.
func (c *Core) request(contact wire.Contact, m wire.Message, chosen bool) *request {
	c.send(contact.Peer, m).Target = contact
	c.requests = append(c.requests, request{
		contact: contact, sent: c.now, chosen: chosen, joining: m.Kind == wire.KindJoin,
	})
	return &c.requests[len(c.requests)-1]
}

func (c *Core) requestTo(peer wire.PeerID) *request {
	for i := range c.requests {
		if c.requests[i].contact.Peer == peer {
			return &c.requests[i]
		}
	}
	return nil
}

func (c *Core) dropRequest(peer wire.PeerID) bool {
	for i := range c.requests {
		if c.requests[i].contact.Peer == peer {
			c.requests = append(c.requests[:i], c.requests[i+1:]...)
			return true
		}
	}
	return false
}

// expire gives up the requests that were not answered in time.
func (c *Core) expire() {
	for i := 0; i < len(c.requests); {
		r := c.requests[i]
		if c.now-r.sent < RequestTimeout {
			i++
			continue
		}
		c.dropRequest(r.contact.Peer)
		c.end(r.contact.Peer, ReasonTransient)
		c.keep(r.contact, false)
		c.failed(r.contact.Peer)
	}
}

// requested is asked by a peer for a link.
func (c *Core) requested(contact wire.Contact, urgent, leaf bool) {
	if l := c.links[contact.Peer]; l != nil {
		// It lost the link, and this node did not notice.
		c.send(contact.Peer, wire.Message{Kind: wire.KindNeighbourReply, Flag: true})
		return
	}
	if !c.admit.take(c.now, limit{AdmitEvery, AdmitBurst}, 0) {
		c.stats.ControlOverRate++
		c.decline(contact)
		return
	}
	c.grant(contact, urgent, leaf)
}

// grant gives contact a link if there is room, or with force if room can be made,
// and declines otherwise.
func (c *Core) grant(contact wire.Contact, force, leaf bool) {
	if l := c.links[contact.Peer]; l != nil {
		c.send(contact.Peer, wire.Message{Kind: wire.KindNeighbourReply, Flag: true})
		return
	}
	switch {
	case c.cfg.Leaf, leaf && c.leaves() >= MaxLeaves:
		c.decline(contact)
		return
	case leaf:
	case !c.makeRoom(contact, force):
		c.decline(contact)
		c.keep(contact, false)
		return
	}
	// Both may have asked at once: then this node chose it as well.
	chosen := false
	if r := c.requestTo(contact.Peer); r != nil {
		chosen = r.chosen
		c.dropRequest(contact.Peer)
	} else {
		c.reached = true // it has opened the link
	}
	proven := c.cache.proven(contact.Peer)
	c.send(contact.Peer, wire.Message{Kind: wire.KindNeighbourReply, Flag: true})
	c.up(contact, chosen, proven, leaf)
}

func (c *Core) decline(contact wire.Contact) {
	c.stats.Declined++
	c.dropRequest(contact.Peer)
	c.send(contact.Peer, wire.Message{Kind: wire.KindNeighbourReply})
	c.end(contact.Peer, ReasonTransient)
}

// replied has the answer to a request.
func (c *Core) replied(peer wire.PeerID, accepted bool) {
	l := c.links[peer]
	r := c.requestTo(peer)
	switch {
	case r != nil && accepted:
		c.granted(peer)
	case r != nil:
		joining := r.joining
		c.keep(r.contact, true)
		c.dropRequest(peer)
		c.repairs.answers++
		c.cache.decline(peer, c.now+c.jitter(DeclineFor))
		if joining {
			c.hurry()
			c.turnedAway()
		}
	case l != nil && !accepted:
		// It granted no link that this node believes in: there is none.
		c.end(peer, ReasonReplaced)
		c.down(l, ReasonReplaced)
	case l == nil && accepted:
		// Too late: it must not count on this node.
		c.send(peer, wire.Message{Kind: wire.KindDisconnect})
		c.end(peer, ReasonTransient)
	}
}

// granted makes the peer of a request a neighbour, or lets it go if the view has
// filled up meanwhile.
func (c *Core) granted(peer wire.PeerID) *link {
	r := *c.requestTo(peer)
	c.dropRequest(peer)
	c.repairs.answers++
	replaced := c.replace(r.instead, r.contact)
	if !replaced && !c.makeRoom(r.contact, r.forced) {
		c.send(peer, wire.Message{Kind: wire.KindDisconnect})
		c.end(peer, ReasonTransient)
		c.keep(r.contact, true)
		return nil
	}
	l := c.up(r.contact, r.chosen, true, false)
	l.preferred = replaced
	return l
}

// presumed makes a neighbour of a peer that acts as one after it was asked to be
// one: its reply got lost. It returns nil if nothing was asked.
func (c *Core) presumed(peer wire.PeerID) *link {
	if r := c.requestTo(peer); r == nil {
		return nil
	}
	return c.granted(peer)
}
