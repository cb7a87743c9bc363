package chat

import (
	"net"
	"testing"

	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// closedPort is a loopback address at which nobody listens.
func closedPort(t *testing.T) multiaddr.Multiaddr {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr, err := manet.FromNetAddr(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return addr
}

func TestReconnectToAPeerThatMoved(t *testing.T) {
	net := p2ptest.New(t, 1)
	moved := net.Add() // only the directory knows where it is now
	alice := newService(t, net.Nodes[0], "", WithResolver(book{"bob": moved.AddrInfo()}))
	newService(t, moved, "")
	events := watch(t, alice)
	net.Nodes[0].Host().Peerstore().AddAddr(moved.ID(), closedPort(t), peerstore.PermanentAddrTTL)

	c, err := alice.hold(moved.ID())
	if err != nil {
		t.Fatal(err)
	}
	defer alice.release(c)
	c.mu.Lock()
	c.name = "bob"
	c.mu.Unlock()
	c.reconnect(0)
	if got := events.next(Connected).Conversation; got != c {
		t.Errorf("connected with %s", got.Peer())
	}
}

func TestReachAnewAsksTheNetwork(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	alice := newService(t, nodes[0], "")
	newService(t, nodes[1], "")
	known := nodes[0].Host().Peerstore()
	known.ClearAddrs(nodes[1].ID())
	known.AddAddr(nodes[1].ID(), closedPort(t), peerstore.PermanentAddrTTL)
	if err := alice.reachAnew(soon(t), nodes[1].ID(), ""); err != nil {
		t.Fatal(err)
	}
	if addrs := known.Addrs(nodes[1].ID()); len(addrs) < 2 {
		t.Errorf("only %v is known", addrs)
	}
}
