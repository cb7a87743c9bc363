package p2p

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"lukechampine.com/blake3"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

var errBadRecord = errors.New("bad peer record")

// contacts proves contacts and makes our own. It may be used concurrently.
type contacts struct {
	host host.Host
	// proved holds the addresses of records whose signature was checked, by the
	// record's hash: the same ones come with every shuffle.
	proved *lru.Cache[[32]byte, []multiaddr.Multiaddr]

	mu  sync.Mutex
	own wire.Contact
}

func newContacts(h host.Host) *contacts {
	return &contacts{host: h, proved: newCache[[32]byte, []multiaddr.Multiaddr](maxProved)}
}

// refresh signs a record of the host's present addresses.
func (c *contacts) refresh() (wire.Contact, error) {
	addrs := c.host.Addrs()
	info := peer.AddrInfo{ID: c.host.ID(), Addrs: addrs[:min(len(addrs), maxAddrs)]}
	key := c.host.Peerstore().PrivKey(c.host.ID())
	if key == nil {
		return wire.Contact{}, errors.New("the host's peerstore lacks its private key")
	}
	envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(info), key)
	if err != nil {
		return wire.Contact{}, fmt.Errorf("sign own addresses: %w", err)
	}
	data, err := envelope.Marshal()
	if err != nil {
		return wire.Contact{}, fmt.Errorf("sign own addresses: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.own = wire.Contact{Peer: wire.PeerID(info.ID), Record: data}
	return c.own, nil
}

func (c *contacts) self() wire.Contact {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.own
}

// addrs returns the addresses that a contact's record holds, after proving that
// the contact itself signed them. A contact without a record has none.
func (c *contacts) addrs(contact wire.Contact) ([]multiaddr.Multiaddr, error) {
	id, err := peer.IDFromBytes([]byte(contact.Peer))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadRecord, err)
	}
	if len(contact.Record) == 0 {
		return nil, nil
	}
	sum := fingerprint(contact)
	if addrs, ok := c.proved.Get(sum); ok {
		return addrs, nil
	}
	var rec peer.PeerRecord
	envelope, err := record.ConsumeTypedEnvelope(contact.Record, &rec)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errBadRecord, err)
	}
	if rec.PeerID != id || !id.MatchesPublicKey(envelope.PublicKey) {
		return nil, fmt.Errorf("%w: signed by another peer", errBadRecord)
	}
	addrs := rec.Addrs[:min(len(rec.Addrs), maxAddrs)]
	c.proved.Add(sum, addrs)
	return addrs, nil
}

// fingerprint identifies a contact's record, and that it is his.
func fingerprint(contact wire.Contact) [32]byte {
	return blake3.Sum256(append([]byte(contact.Peer), contact.Record...))
}

// info is the contact as libp2p wants it.
func (c *contacts) info(contact wire.Contact) (peer.AddrInfo, error) {
	addrs, err := c.addrs(contact)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	return peer.AddrInfo{ID: peer.ID(contact.Peer), Addrs: addrs}, nil
}

// unproved counts the records of a message whose signatures have to be checked.
func (c *contacts) unproved(m wire.Message) (n int) {
	for contact := range named(m) {
		if len(contact.Record) > 0 && !c.proved.Contains(fingerprint(contact)) {
			n++
		}
	}
	return n
}

// check proves every contact of a message.
func (c *contacts) check(m wire.Message) error {
	for contact := range named(m) {
		if _, err := c.addrs(contact); err != nil {
			return err
		}
	}
	return nil
}

// named yields every contact of a message.
func named(m wire.Message) iter.Seq[wire.Contact] {
	return func(yield func(wire.Contact) bool) {
		if m.Contact.Peer != "" && !yield(m.Contact) {
			return
		}
		if m.Walk != nil && m.Walk.Asker.Peer != "" && !yield(m.Walk.Asker) {
			return
		}
		for _, contact := range m.Contacts {
			if !yield(contact) {
				return
			}
		}
	}
}

// group is the part of the Internet that a contact is in: the /16 or /48 of its
// first public address, what one IPv4 provider or one IPv6 customer has. Private,
// shared, link-local and loopback addresses are in none: a LAN may fill the whole active
// view.
func (c *contacts) group(contact wire.Contact) string {
	addrs, err := c.addrs(contact)
	if err != nil {
		return ""
	}
	for _, a := range addrs {
		ip, ok := addrIP(a)
		if !ok || !manet.IsPublicAddr(a) {
			continue
		}
		bits := 16
		if ip.Is6() {
			bits = 48
		}
		prefix, err := ip.Prefix(bits)
		if err == nil {
			return prefix.String()
		}
	}
	return ""
}

func addrIP(a multiaddr.Multiaddr) (netip.Addr, bool) {
	ip, err := manet.ToIP(a)
	if err != nil {
		return netip.Addr{}, false
	}
	addr, ok := netip.AddrFromSlice(ip)
	return addr.Unmap(), ok
}

// fromAfar tells whether via is a link over the Internet. Over one, a contact that
// has only private addresses is worthless: they would lead into our own network.
func fromAfar(via multiaddr.Multiaddr) bool { return via != nil && manet.IsPublicAddr(via) }

// foreign tells whether a contact that came over the link via cannot be meant for us.
func (c *contacts) foreign(contact wire.Contact, via multiaddr.Multiaddr) bool {
	addrs, err := c.addrs(contact)
	return err == nil && len(addrs) > 0 && privateFromAfar(addrs, via)
}

// strip takes the contacts out of a message that cannot be meant for us, as it came over
// the link via. False: it is about such a contact, and worth nothing without it.
func (c *contacts) strip(m *wire.Message, via multiaddr.Multiaddr) bool {
	m.Contacts = slices.DeleteFunc(m.Contacts, func(contact wire.Contact) bool {
		return len(contact.Record) == 0 || c.foreign(contact, via)
	})
	if m.Walk != nil && c.foreign(m.Walk.Asker, via) {
		m.Walk.Asker = wire.Contact{} // hits go back as the query came
	}
	return m.Kind != wire.KindForwardJoin && m.Kind != wire.KindShuffle || !c.foreign(m.Contact, via)
}

// dialable leaves of a contact's addresses those that may lead to it: of a peer
// that has public addresses, the private ones count only where we are in the same
// private network.
func (c *contacts) dialable(addrs []multiaddr.Multiaddr) []multiaddr.Multiaddr {
	if !slices.ContainsFunc(addrs, manet.IsPublicAddr) {
		return addrs
	}
	var own []netip.Prefix
	for _, a := range c.host.Addrs() {
		if ip, ok := addrIP(a); ok && ip.IsPrivate() {
			if prefix, err := ip.Prefix(16); err == nil {
				own = append(own, prefix)
			}
		}
	}
	return multiaddr.FilterAddrs(addrs, func(a multiaddr.Multiaddr) bool {
		ip, ok := addrIP(a)
		return manet.IsPublicAddr(a) || ok && slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Contains(ip) })
	})
}
