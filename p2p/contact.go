package p2p

import (
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"

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
	// near holds the records that came over links within our own network.
	near *lru.Cache[[32]byte, struct{}]
	// worldwide is when there was last a sign of peers with public addresses, or of links
	// over the Internet, in nanoseconds since 1970.
	worldwide atomic.Int64

	mu      sync.Mutex
	own     wire.Contact
	private bool // it has no public address
}

func newContacts(h host.Host) *contacts {
	return &contacts{
		host:   h,
		proved: newCache[[32]byte, []multiaddr.Multiaddr](maxProved),
		near:   newCache[[32]byte, struct{}](maxProved),
	}
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
	c.private = !slices.ContainsFunc(info.Addrs, manet.IsPublicAddr)
	c.near.Add(fingerprint(c.own), struct{}{})
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
