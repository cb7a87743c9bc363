package p2p_test

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/fabric"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// apart keeps a host from connecting to some peers.
type apart struct{ from []peer.ID }

var _ connmgr.ConnectionGater = (*apart)(nil)

func (a *apart) allows(p peer.ID) bool { return !slices.Contains(a.from, p) }

func (a *apart) InterceptPeerDial(p peer.ID) bool                                { return a.allows(p) }
func (a *apart) InterceptAddrDial(peer.ID, multiaddr.Multiaddr) bool             { return true }
func (a *apart) InterceptAccept(network.ConnMultiaddrs) bool                     { return true }
func (a *apart) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }

func (a *apart) InterceptSecured(_ network.Direction, p peer.ID, _ network.ConnMultiaddrs) bool {
	return a.allows(p)
}

// line makes n nodes of which each can link only with the one before it and the one
// after it; the second gets the options. None has joined.
func line(t *testing.T, n int, second ...p2p.Option) (nodes []*p2p.Node) {
	t.Helper()
	net := new(fabric.Fabric)
	gaters := make([]apart, n)
	hosts := make([]host.Host, n)
	for i := range n {
		h, err := net.NewHost(nil, libp2p.ConnectionGater(&gaters[i]))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = h.Close() })
		hosts[i] = h
	}
	for i := range n {
		for j := range n {
			if j < i-1 || j > i+1 {
				gaters[i].from = append(gaters[i].from, hosts[j].ID())
			}
		}
	}
	for i, h := range hosts {
		opts := []p2p.Option{p2p.WithHost(h)}
		if i == 1 {
			opts = append(opts, second...)
		}
		node, err := p2p.New(opts...)
		if err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, node)
	}
	t.Cleanup(func() {
		for _, node := range nodes {
			if err := node.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	return nodes
}

// joined links a line up, from its last node to its first, which nobody dials.
func joined(t *testing.T, nodes []*p2p.Node) []*p2p.Node {
	t.Helper()
	for i := len(nodes) - 2; i >= 0; i-- {
		join(t, nodes[i], nodes[i+1].AddrInfo())
	}
	return nodes
}
