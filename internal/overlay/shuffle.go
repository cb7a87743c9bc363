package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// shuffles is the state of the node's own shuffles.
type shuffles struct {
	given []wire.PeerID // of the host cache, in the last one
	nonce uint32        // of the last one: its reply comes from a stranger
	until instant       // a reply is taken until then, once
}

// shuffle sends a sample of the node's contacts on a walk, to be exchanged for
// one of whoever it ends at.
func (c *Core) shuffle() {
	next := c.other("", "")
	if next == nil {
		return
	}
	sample := c.sample(next.peer, c.cfg.ShuffleActive, c.cfg.ShufflePassive)
	c.shuffles.given = peersOf(c.shuffles.given[:0], sample)
	c.shuffles.nonce = c.rng.Uint32()
	c.shuffles.until = c.now + ReplyWithin
	c.send(next.peer, wire.Message{
		Kind: wire.KindShuffle, Contact: c.self, Contacts: sample, TTL: c.cfg.ShuffleTTL - 1, Nonce: c.shuffles.nonce,
	})
}

// shuffled takes a shuffle one link on, or ends it here with a reply straight to
// its origin.
func (c *Core) shuffled(l *link, m *wire.Message) {
	origin := m.Contact
	if !valid(origin) {
		c.expel(l.peer)
		return
	}
	if origin.Peer == c.self.Peer {
		return
	}
	if ttl := min(m.TTL, c.cfg.ShuffleTTL); ttl > 0 && !c.cfg.Leaf {
		if next := c.other(l.peer, origin.Peer); next != nil {
			c.send(next.peer, wire.Message{
				Kind: wire.KindShuffle, Contact: origin, Contacts: m.Contacts, TTL: ttl - 1, Nonce: m.Nonce,
			})
			return
		}
	}
	sample := c.sample(origin.Peer, 0, min(len(m.Contacts)+1, wire.MaxContacts))
	c.keepAll(m.Contacts, peersOf(nil, sample))
	c.keep(origin, false)
	if len(sample) == 0 || c.expelled.find(c.now, origin.Peer) != nil {
		return
	}
	passing := c.links[origin.Peer] == nil && c.requestTo(origin.Peer) == nil
	if passing && !c.errands.take(c.now, errandLimit, 0) {
		c.stats.ControlOverRate++
		return
	}
	c.send(origin.Peer, wire.Message{Kind: wire.KindShuffleReply, Contacts: sample, Nonce: m.Nonce}).Target = origin
	if passing {
		c.end(origin.Peer, ReasonTransient)
	}
}

// shuffleReply takes the sample that a shuffle, or a join, brought.
func (c *Core) shuffleReply(peer wire.PeerID, m *wire.Message) {
	if r := c.requestTo(peer); r != nil && r.joining {
		c.keepAll(m.Contacts, nil)
		return
	}
	if c.now >= c.shuffles.until || m.Nonce != c.shuffles.nonce {
		c.stats.Unexpected++
		return
	}
	c.shuffles.until = 0
	c.keepAll(m.Contacts, c.shuffles.given)
}

// sample draws contacts to pass on: neighbours and contacts of the cache, and more
// neighbours where the cache has too few, as in a small overlay. Only such as
// were dialled with success are passed on, and never to's own.
func (c *Core) sample(to wire.PeerID, active, passive int) []wire.Contact {
	all := min(active+passive, wire.MaxContacts)
	sample := make([]wire.Contact, 0, all)
	order := c.rng.Perm(len(c.view))
	neighbours := func(most int) {
		for len(order) > 0 && len(sample) < most {
			l := c.view[order[0]]
			order = order[1:]
			if l.proven && !l.leaf && l.misses == 0 && l.peer != to {
				sample = append(sample, l.contact)
			}
		}
	}
	neighbours(min(active, all))
	for _, i := range c.rng.Perm(len(c.cache.entries)) {
		e := &c.cache.entries[i]
		if len(sample) < all && e.proven && e.fails == 0 && e.contact.Peer != to {
			sample = append(sample, e.contact)
		}
	}
	neighbours(all)
	return sample
}

func peersOf(peers []wire.PeerID, contacts []wire.Contact) []wire.PeerID {
	for i := range contacts {
		peers = append(peers, contacts[i].Peer)
	}
	return peers
}
