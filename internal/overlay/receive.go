package overlay

import (
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// received sorts a message to what handles it, after the checks that are the same
// for all.
func (c *Core) received(ev *Event) {
	m := &ev.Msg
	if m.Kind == 0 {
		return // of a newer version: nothing is known of it here
	}
	if m.Kind < wire.KindJoin || m.Kind > wire.KindWithdraw {
		c.expel(ev.Peer)
		return
	}
	c.stats.Received[m.Kind]++
	l := c.links[ev.Peer]
	if l != nil {
		if m.Kind == wire.KindPong && l.asked && m.Nonce == l.nonce { // or one could seem near that is far
			l.sampled(c.now - l.pinged)
		}
		l.heard, l.misses, l.asked = c.now, 0, false
		if m.Kind == wire.KindQuery {
			c.query(l, m)
			return
		}
		if m.Kind < wire.KindQuery && !l.control.take(c.now, controlLimit, 0) {
			c.stats.ControlOverRate++
			return
		}
	} else if c.expelled.find(c.now, ev.Peer) != nil {
		c.end(ev.Peer, ReasonHostile)
		return
	}
	if len(m.Contacts) > wire.MaxContacts || slices.ContainsFunc(m.Contacts, invalid) {
		c.expel(ev.Peer)
		return
	}

	if r := c.requestTo(ev.Peer); r != nil && len(r.contact.Record) == 0 {
		r.contact = contactOf(ev) // a seed is known by its peer ID alone until it speaks
	}

	switch m.Kind {
	case wire.KindJoin:
		c.joined(ev.Peer, m.Contact, m.Leaf)
		return
	case wire.KindNeighbour:
		c.requested(contactOf(ev), m.Flag, m.Leaf)
		return
	case wire.KindNeighbourReply:
		c.replied(ev.Peer, m.Flag && !m.Leaf)
		return
	case wire.KindDisconnect:
		c.disconnected(ev.Peer, m.Flag)
		return
	case wire.KindShuffleReply:
		c.shuffleReply(ev.Peer, m)
		return
	case wire.KindHit, wire.KindReport:
		if l == nil && c.requestTo(ev.Peer) == nil {
			c.direct(ev.Peer, m)
			return
		}
	case wire.KindPong:
		return // it was heard: that is all
	}

	// What is left is said between neighbours only.
	if l == nil {
		if l = c.presumed(ev.Peer); l == nil {
			c.send(ev.Peer, wire.Message{Kind: wire.KindDisconnect})
			c.end(ev.Peer, ReasonTransient)
			return
		}
	}
	switch m.Kind {
	case wire.KindPing:
		c.send(l.peer, wire.Message{Kind: wire.KindPong, Nonce: m.Nonce})
	case wire.KindForwardJoin:
		c.forwardJoin(l, m)
	case wire.KindShuffle:
		c.shuffled(l, m)
	case wire.KindQuery:
		c.query(l, m)
	case wire.KindHit, wire.KindReport:
		c.returned(l, m)
	case wire.KindAck:
		c.acknowledged(l, m)
	case wire.KindSummary:
		c.summarised(l, m)
	case wire.KindSummaryWant:
		c.wanted(l, m)
	case wire.KindWithdraw:
		c.withdrawn(l, m)
	}
}

// contactOf returns the sender's own contact.
func contactOf(ev *Event) wire.Contact {
	if len(ev.Peers) > 0 && ev.Peers[0].Peer == ev.Peer {
		return ev.Peers[0]
	}
	return wire.Contact{Peer: ev.Peer}
}

// valid tells whether a contact can be used at all.
func valid(contact wire.Contact) bool {
	return contact.Peer != "" && len(contact.Peer) <= wire.MaxPeerID && len(contact.Record) <= wire.MaxRecord
}

func invalid(contact wire.Contact) bool { return !valid(contact) }

// expel ends all that there is with a peer that broke the protocol.
func (c *Core) expel(peer wire.PeerID) {
	c.stats.Expelled++
	if c.expelled.find(c.now, peer) == nil {
		c.expelled.add(c.now, peer, struct{}{})
	}
	c.dropRequest(peer)
	if l := c.links[peer]; l != nil {
		c.end(peer, ReasonHostile)
		c.down(l, ReasonHostile)
	} else {
		c.end(peer, ReasonHostile)
	}
	c.cache.remove(peer)
}
