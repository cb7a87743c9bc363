// Package p2ptest makes small networks of real nodes for tests, as httptest makes
// servers: each has an identity in memory and a libp2p host on a real loopback
// socket; nodes are cut off, healed and slowed at will.
//
//	net := p2ptest.New(t, 5)
//	stop := net.Nodes[0].Share(p2p.Items{{Key: "k", Name: "n"}})
//	net.Cut(3) // no goodbye: as by a pulled cable
package p2ptest

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/fabric"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// patience bounds every wait: far more than a busy machine needs.
const patience = 60 * time.Second

// Network is a set of nodes in one overlay. Its methods are for the test's
// goroutine.
type Network struct {
	Nodes []*p2p.Node

	t      testing.TB
	fabric *fabric.Fabric
}

// New makes n nodes, each with the options, joins them into one overlay and closes
// them with the test.
func New(t testing.TB, n int, opts ...p2p.Option) *Network {
	t.Helper()
	net := &Network{t: t, fabric: new(fabric.Fabric)}
	t.Cleanup(net.close)
	for range n {
		net.Join(net.Add(opts...))
	}
	return net
}

// Add makes one more node, which knows nobody yet.
func (net *Network) Add(opts ...p2p.Option) *p2p.Node {
	net.t.Helper()
	h, err := net.fabric.NewHost(nil)
	if err != nil {
		net.t.Fatalf("p2ptest: %v", err)
	}
	node, err := p2p.New(append([]p2p.Option{p2p.WithHost(h)}, opts...)...)
	if err != nil {
		_ = h.Close()
		net.t.Fatalf("p2ptest: %v", err)
	}
	net.Nodes = append(net.Nodes, node)
	return node
}

// close closes all nodes at once: those that are cut take a moment each.
func (net *Network) close() {
	var wg sync.WaitGroup
	for _, n := range net.Nodes {
		wg.Go(func() {
			if err := errors.Join(n.Close(), n.Host().Close()); err != nil {
				net.t.Errorf("p2ptest: close node: %v", err)
			}
		})
	}
	wg.Wait()
}

// Join enters node through the network's first node, if there is another.
func (net *Network) Join(node *p2p.Node) {
	net.t.Helper()
	var seeds []peer.AddrInfo
	if first := net.Nodes[0]; first != node {
		seeds = append(seeds, first.AddrInfo())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := node.Join(ctx, seeds...); err != nil {
		net.t.Fatalf("p2ptest: join: %v", err)
	}
}

// Cut lets nothing pass to or from node i any more, without a goodbye.
func (net *Network) Cut(i int) { net.fabric.Cut(net.Nodes[i].ID()) }

// Heal ends the cut of node i. Its old connections break; it finds back by itself.
func (net *Network) Heal(i int) { net.fabric.Heal(net.Nodes[i].ID()) }

// Kill cuts node i off for good and closes it; the others hear nothing of that.
func (net *Network) Kill(i int) {
	net.t.Helper()
	net.Cut(i)
	if err := net.Nodes[i].Close(); err != nil {
		net.t.Errorf("p2ptest: kill node: %v", err)
	}
}

// SetLatency makes every round trip take d more.
func (net *Network) SetLatency(d time.Duration) { net.fabric.SetLatency(d) }
