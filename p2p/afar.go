package p2p

import (
	"slices"
	"time"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// fromAfar tells whether via is a link over the Internet. What comes over one cannot
// know of our own network: the private addresses that it names lead elsewhere, or are
// meant to lead us where nobody far away has any business.
func fromAfar(via multiaddr.Multiaddr) bool { return via != nil && manet.IsPublicAddr(via) }

// told takes in that a proved contact was named over the link via. Over the Internet one
// that has only private addresses loses its record, which is worth nothing here; of
// others no private address will be dialled, unless somebody near names them too.
func (c *contacts) told(contact *wire.Contact, via multiaddr.Multiaddr) (foreign bool) {
	if len(contact.Record) == 0 {
		return false
	}
	addrs, err := c.addrs(*contact)
	public, afar := slices.ContainsFunc(addrs, manet.IsPublicAddr), fromAfar(via)
	if public || afar {
		c.worldwide.Store(time.Now().UnixNano())
	}
	if !afar {
		c.near.Add(fingerprint(*contact), struct{}{})
		return false
	}
	if err == nil && (len(addrs) == 0 || public) {
		return false
	}
	contact.Record = nil
	return true
}

// strip takes the contacts out of a proved message that cannot be meant for us, as it
// came over the link via, and counts them. Not useful: it is about a contact that nobody
// could reach.
func (c *contacts) strip(m *wire.Message, via multiaddr.Multiaddr) (foreign int, useful bool) {
	if c.told(&m.Contact, via) {
		foreign++
	}
	if m.Walk != nil && c.told(&m.Walk.Asker, via) {
		m.Walk.Asker = wire.Contact{} // hits go back as the query came
		foreign++
	}
	m.Contacts = slices.DeleteFunc(m.Contacts, func(contact wire.Contact) bool {
		if c.told(&contact, via) {
			foreign++
		}
		return len(contact.Record) == 0
	})
	switch m.Kind {
	case wire.KindForwardJoin, wire.KindShuffle:
		if len(m.Contact.Record) == 0 {
			return max(foreign, 1), false
		}
	}
	return foreign, true
}

// secluded tells whether the overlay reaches farther than this node can be dialled from:
// it has only private addresses, and others have public ones or links over the Internet,
// or had of late.
func (c *contacts) secluded() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.private && time.Since(time.Unix(0, c.worldwide.Load())) < worldwideTime
}

// withhold takes a secluded node's name out of its own walks. Where one leaves its
// network the name would be stripped, and what comes back from there be dropped by
// those on the way who have seen it.
func (c *contacts) withhold(m *wire.Message) {
	if m.Walk == nil || m.Walk.Asker.Peer == "" || m.Walk.Asker.Peer != c.self().Peer || !c.secluded() {
		return
	}
	walk := *m.Walk
	walk.Asker = wire.Contact{}
	m.Walk = &walk
}
