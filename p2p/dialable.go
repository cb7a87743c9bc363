package p2p

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Dialable leaves, of the addresses that a peer signed and that via told of, those that
// may lead to it: nobody far away can make this node dial into its own network. Of a
// peer with public addresses, private ones count only where this node is in the same
// private network; of one without, none do if via is reached over the Internet. A via
// that is not connected, such as this node itself, is not.
func (n *Node) Dialable(addrs []multiaddr.Multiaddr, via peer.ID) []multiaddr.Multiaddr {
	for _, conn := range n.host.Network().ConnsToPeer(via) {
		if privateFromAfar(addrs, conn.RemoteMultiaddr()) {
			return nil
		}
	}
	return n.contacts.dialable(addrs)
}

// privateFromAfar tells whether addrs that came over the link via lead only into
// private networks, of which none can be ours.
func privateFromAfar(addrs []multiaddr.Multiaddr, via multiaddr.Multiaddr) bool {
	return fromAfar(via) && !slices.ContainsFunc(addrs, manet.IsPublicAddr)
}
