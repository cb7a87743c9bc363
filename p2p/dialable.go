package p2p

import (
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Dialable leaves, of the addresses that a peer signed and that via told of, those that
// may lead to it: nobody far away can make this node dial into its own network. Private
// ones count only if via is not reached over the Internet, and of a peer with public
// addresses only where this node is in the same private network. A via that is not
// connected, such as this node itself, is near.
func (n *Node) Dialable(addrs []multiaddr.Multiaddr, via peer.ID) []multiaddr.Multiaddr {
	afar := slices.ContainsFunc(n.host.Network().ConnsToPeer(via), func(conn network.Conn) bool {
		return fromAfar(conn.RemoteMultiaddr())
	})
	return n.contacts.dialable(addrs, afar)
}

// info is the contact with the addresses that may lead to it. Private ones besides public
// ones may if somebody near told of them; where there are only those, nobody else did, or
// the record would have been taken away.
func (c *contacts) info(contact wire.Contact) (peer.AddrInfo, error) {
	addrs, err := c.addrs(contact)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	_, near := c.near.Get(fingerprint(contact))
	afar := !near && slices.ContainsFunc(addrs, manet.IsPublicAddr)
	return peer.AddrInfo{ID: peer.ID(contact.Peer), Addrs: c.dialable(addrs, afar)}, nil
}

// dialable leaves of a peer's addresses those that may lead to it, as they were told from
// afar or near: then private ones count as well, but of a peer that has public ones only
// where we are in the same private network.
func (c *contacts) dialable(addrs []multiaddr.Multiaddr, afar bool) []multiaddr.Multiaddr {
	if afar {
		return multiaddr.FilterAddrs(addrs, manet.IsPublicAddr)
	}
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
