package chat

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// tcpAddr is a node's loopback address, as a multiaddr and as host:port.
func tcpAddr(t *testing.T, n *p2p.Node) (multiaddr.Multiaddr, string) {
	t.Helper()
	addr := n.Host().Addrs()[0]
	a, err := manet.ToNetAddr(addr)
	if err != nil {
		t.Fatal(err)
	}
	return addr, a.String()
}

func TestOpenByEverything(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	addr, hostPort := tcpAddr(t, nodes[1])
	alice := newService(t, nodes[0], "", WithResolver(book{"bob": nodes[1].AddrInfo()}))
	newService(t, nodes[1], "")
	first := open(t, alice, "bob")
	for _, who := range []string{
		nodes[1].ID().String(),
		"/p2p/" + nodes[1].ID().String(),
		addr.String() + "/p2p/" + nodes[1].ID().String(),
		addr.String(),
		hostPort,
	} {
		if c := open(t, alice, who); c != first {
			t.Errorf("%q is another conversation", who)
		}
	}
	if alice.Standing(hostPort, nodes[1].ID()) != Known {
		t.Error("the key at the address was not kept")
	}
}

func TestOpenByAnnouncement(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	alice := newService(t, nodes[0], "", WithResolver(book{}))
	newService(t, nodes[1], "", WithName("Bob"))
	for ctx := soon(t); len(nodes[0].Online()) == 0; {
		for range nodes[0].Events(ctx) {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("bob was never online")
		}
	}
	if c := open(t, alice, "bob"); c.Peer() != nodes[1].ID() {
		t.Error("somebody else")
	}
}

func TestOpenByQueryWhoIsNotAnnounced(t *testing.T) {
	nodes := p2ptest.New(t, 3).Nodes
	alice := newService(t, nodes[0], "", WithResolver(book{}))
	newService(t, nodes[1], "", WithName("Bob"), WithoutAnnouncement())
	newService(t, nodes[2], "", WithName("Carol"))
	for ctx := soon(t); len(nodes[0].Online()) == 0; {
		for range nodes[0].Events(ctx) {
			break
		}
		if ctx.Err() != nil {
			t.Fatal("carol was never online")
		}
	}
	if online := nodes[0].Online(); len(online) != 1 || online[0].Name != "Carol" {
		t.Errorf("announced are %+v", online)
	}
	if c := open(t, alice, "bob"); c.Peer() != nodes[1].ID() {
		t.Error("somebody else")
	}
}

func TestOpenByQuery(t *testing.T) {
	// The stranger who asks has heard no announcement yet, and no address.
	net := p2ptest.New(t, 4)
	var services []*Service
	for i, n := range net.Nodes {
		services = append(services, newService(t, n, "", WithName(fmt.Sprintf("peer %d", i))))
	}
	for _, s := range services {
		for i, n := range net.Nodes {
			if n == s.node {
				continue
			}
			for what, key := range map[string]p2p.Key{"name": nameKey(n.Network(), fmt.Sprintf("PEER  %d", i)), "peer ID": idKey(n.ID())} {
				holders := s.ask(soon(t), key, n.ID())
				if len(holders) != 1 || holders[0].ID != n.ID() || len(holders[0].Addrs) == 0 {
					t.Errorf("asked for a %s: %v", what, holders)
				}
			}
		}
	}
}

func TestOpenFails(t *testing.T) {
	net := p2ptest.New(t, 3)
	nodes := net.Nodes
	self, selfHostPort := tcpAddr(t, nodes[0])
	quick := eager()
	quick.query = 200 * time.Millisecond // nobody will answer
	alice := newService(t, nodes[0], "", withTiming(quick), WithName("alice"), WithResolver(book{"me": nodes[0].AddrInfo()}))
	newService(t, nodes[1], "", WithAccept(func(r Request) error {
		return fmt.Errorf("not you, %s", r.Name)
	}))
	gone := net.Add()
	goneAddr, goneHostPort := tcpAddr(t, gone)
	gonePeer := goneAddr.String() + "/p2p/" + gone.ID().String()
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gone.Host().Close(); err != nil {
		t.Fatal(err)
	}
	for who, want := range map[string]error{
		"nobody":                    ErrNotFound,
		"":                          ErrNotFound,
		"\x1b[2J":                   ErrNotFound,
		"/ip4/1.2.3.4/tcp/x":        ErrNotFound,
		"localhost:99999":           ErrNotFound,
		"Alice":                     ErrSelf,
		"me":                        ErrSelf,
		nodes[0].ID().String():      ErrSelf,
		self.String():               ErrSelf,
		selfHostPort:                ErrSelf,
		nodes[1].ID().String():      ErrRefused,
		nodes[2].ID().String():      ErrRefused, // it runs no chat
		goneHostPort:                ErrOffline,
		gonePeer:                    ErrOffline,
		"/p2p/" + newID(t).String(): ErrNotFound,
	} {
		if _, err := alice.Open(soon(t), who); !errors.Is(err, want) || strings.Contains(fmt.Sprint(err), "\x1b") {
			t.Errorf("%q: %v, want %v", who, err, want)
		}
	}
	_, err := alice.Open(soon(t), nodes[1].ID().String())
	var refused *RefusedError
	if !errors.As(err, &refused) || refused.Reason != "not you, alice" || refused.Peer != nodes[1].ID() {
		t.Errorf("refused with %v", err)
	}
	if n := len(alice.conversations); n != 0 {
		t.Errorf("%d conversations that never were are left", n)
	}
}

func newID(t *testing.T) peer.ID {
	t.Helper()
	h := p2ptest.New(t, 1)
	return h.Nodes[0].ID()
}

func TestKeyChanged(t *testing.T) {
	nodes := p2ptest.New(t, 3).Nodes
	people := book{"bob": nodes[1].AddrInfo()}
	folder := t.TempDir()
	alice := newService(t, nodes[0], folder, WithResolver(people))
	newService(t, nodes[1], "")
	newService(t, nodes[2], "", WithName("bob"))
	open(t, alice, "bob")
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}

	people["bob"] = nodes[2].AddrInfo()
	people["BOB"] = nodes[2].AddrInfo()
	alice = newService(t, nodes[0], folder, WithResolver(people))
	for _, name := range []string{"bob", "BOB"} {
		_, err := alice.Open(soon(t), name)
		var changed *KeyChangedError
		if !errors.Is(err, ErrKeyChanged) || !errors.As(err, &changed) || changed.Known != nodes[1].ID() || changed.Found != nodes[2].ID() {
			t.Fatalf("%s: %v", name, err)
		}
	}
	byID := open(t, alice, nodes[2].ID().String())
	if byID.Name() != "bob" || byID.Standing() != Conflicting {
		t.Errorf("one who calls itself %q is %v", byID.Name(), byID.Standing())
	}
	if err := alice.Trust("bob", nodes[2].ID()); err != nil {
		t.Fatal(err)
	}
	if c := open(t, alice, "bob"); c.Peer() != nodes[2].ID() || c.Standing() != Known {
		t.Error("not trusted")
	}
}

func TestAmbiguousName(t *testing.T) {
	nodes := p2ptest.New(t, 3).Nodes
	alice := newService(t, nodes[0], "")
	two := []peer.AddrInfo{nodes[1].AddrInfo(), nodes[2].AddrInfo()}
	_, err := alice.choose(t.Context(), "bob", two, nil)
	var ambiguous *AmbiguousError
	if !errors.Is(err, ErrAmbiguous) || !errors.As(err, &ambiguous) || len(ambiguous.Peers) != 2 {
		t.Errorf("two of one name: %v", err)
	}
	if err := alice.Trust("bob", nodes[2].ID()); err != nil {
		t.Fatal(err)
	}
	if info, err := alice.choose(t.Context(), "bob", two, nil); err != nil || info.ID != nodes[2].ID() {
		t.Errorf("the known one: %v, %v", info, err)
	}
}

func TestLongestName(t *testing.T) {
	name := strings.Repeat("𝒳", MaxName) // 4 bytes each
	nodes := p2ptest.New(t, 2).Nodes
	alice := newService(t, nodes[0], "")
	newService(t, nodes[1], "", WithName(name))
	if holders := alice.ask(soon(t), nameKey(nodes[1].Network(), name), nodes[1].ID()); len(holders) != 1 {
		t.Errorf("a query found %v", holders)
	}
	if c := open(t, alice, name); c.Peer() != nodes[1].ID() || c.hint != name {
		t.Errorf("opened %s, which calls itself %q", c.Peer(), c.hint)
	}
}

func TestBadNames(t *testing.T) {
	node := p2ptest.New(t, 1).Nodes[0]
	for _, name := range []string{"", strings.Repeat("x", MaxName+1), strings.Repeat("名", MaxName+1), "a\nb", "a\u202eb", "\xff"} {
		if _, err := New(node, "", WithName(name)); !errors.Is(err, ErrBadName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	newService(t, node, "")
	if _, err := New(node, ""); !errors.Is(err, p2p.ErrServiceInUse) {
		t.Errorf("second service: %v", err)
	}
}
