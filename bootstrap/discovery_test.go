package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/discovery"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/rendezvous"
)

// findAll returns whom a client finds in a namespace.
func findAll(t *testing.T, c *Client, ns string, opts ...discovery.Option) map[peer.ID]peer.AddrInfo {
	t.Helper()
	found, err := c.FindPeers(bounded(t), ns, opts...)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[peer.ID]peer.AddrInfo)
	for p := range found {
		if _, twice := all[p.ID]; twice {
			t.Fatalf("%s is found twice", p.ID)
		}
		all[p.ID] = p
	}
	return all
}

func TestDiscovery(t *testing.T) {
	servers := append(infos(startServer(t), startServer(t)), deadServer(t))
	alice, bob, carol := startClient(t, servers...), startClient(t, servers...), startClient(t, servers...)
	again, err := alice.Advertise(bounded(t), "music", discovery.TTL(time.Hour))
	if err != nil || again != advertiseAgain { // one server did not hear of it
		t.Fatalf("again in %s, %v", again, err)
	}
	if _, err := bob.Advertise(bounded(t), "music"); err != nil {
		t.Fatal(err)
	}
	if _, err := carol.Advertise(bounded(t), "films"); err != nil {
		t.Fatal(err)
	}
	found := findAll(t, carol, "music")
	if len(found) != 2 || len(found[alice.host.ID()].Addrs) == 0 || len(found[bob.host.ID()].Addrs) == 0 {
		t.Fatalf("carol finds %v", found)
	}
	if err := carol.host.Connect(bounded(t), found[alice.host.ID()]); err != nil {
		t.Fatalf("the addresses do not lead to alice: %v", err)
	}
	if found := findAll(t, alice, "music"); len(found) != 1 || found[bob.host.ID()].ID == "" {
		t.Fatalf("alice finds %v", found)
	}
	for range 5 { // whatever the order: never herself
		if found := findAll(t, alice, "music", discovery.Limit(1)); len(found) != 1 || found[bob.host.ID()].ID == "" {
			t.Fatalf("alice finds %v of one", found)
		}
	}
	if found := findAll(t, carol, "music", discovery.Limit(1)); len(found) != 1 {
		t.Fatalf("carol finds %v of one", found)
	}
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	if found := findAll(t, carol, "music"); len(found) != 1 || found[bob.host.ID()].ID == "" {
		t.Fatalf("after alice left, carol finds %v", found)
	}
	if _, err := alice.Advertise(bounded(t), "music"); !errors.Is(err, ErrClosed) {
		t.Errorf("advertise after close: %v", err)
	}
	if _, err := alice.FindPeers(bounded(t), "music"); !errors.Is(err, ErrClosed) {
		t.Errorf("find peers after close: %v", err)
	}
}

func TestAdvertiseBeforeTheEnd(t *testing.T) {
	c := startClient(t, infos(startServer(t), startServer(t))...)
	for ttl, want := range map[time.Duration]time.Duration{
		0: rendezvous.DefaultTTL, time.Hour: time.Hour, 1000 * time.Hour: rendezvous.MaxTTL,
	} {
		again, err := c.Advertise(bounded(t), "music", discovery.TTL(ttl))
		if err != nil || again != want*7/8 {
			t.Errorf("for %s: again in %s, %v", ttl, again, err)
		}
	}
}

func TestDiscoveryFails(t *testing.T) {
	dead := startClient(t, deadServer(t))
	if _, err := dead.Advertise(bounded(t), "music"); !errors.Is(err, ErrNoServer) {
		t.Errorf("advertise: %v", err)
	}
	if _, err := dead.FindPeers(bounded(t), "music"); !errors.Is(err, ErrNoServer) {
		t.Errorf("find peers: %v", err)
	}
	c := startClient(t, infos(startServer(t))...)
	if _, err := c.Advertise(bounded(t), strings.Repeat("x", rendezvous.MaxNamespace+1)); !rendezvous.HasStatus(err, rendezvous.InvalidNamespace) {
		t.Errorf("advertise in a long namespace: %v", err)
	}
	if _, err := c.FindPeers(bounded(t), ""); err == nil {
		t.Error("found peers of no namespace")
	}
	without := startClient(t, infos(startServer(t, func(s *Server) { s.NoRendezvous = true }))...)
	if _, err := without.Advertise(bounded(t), "music"); !errors.Is(err, ErrNoServer) {
		t.Errorf("advertise at a server that does not speak the protocol: %v", err)
	}
	if _, _, err := without.List(bounded(t)); err != nil {
		t.Errorf("it is taken for dead: %v", err)
	}
}

// TestPubSubFindsItsPeers: three peers that know one server and not each other talk
// about a topic.
func TestPubSubFindsItsPeers(t *testing.T) {
	servers := infos(startServer(t), startServer(t))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	topics := make([]*pubsub.Topic, 3)
	subs := make([]*pubsub.Subscription, 3)
	for i := range topics {
		c := startClient(t, servers...)
		ps, err := pubsub.NewGossipSub(ctx, c.host, pubsub.WithDiscovery(c))
		if err != nil {
			t.Fatal(err)
		}
		if topics[i], err = ps.Join("news"); err != nil {
			t.Fatal(err)
		}
		if subs[i], err = topics[i].Subscribe(); err != nil {
			t.Fatal(err)
		}
	}
	for i, topic := range topics {
		text := fmt.Sprint("from ", i)
		if err := topic.Publish(bounded(t), []byte(text), pubsub.WithReadiness(pubsub.MinTopicSize(2))); err != nil {
			t.Fatal(err)
		}
		for j, sub := range subs {
			m, err := sub.Next(bounded(t))
			if err != nil || string(m.Data) != text {
				t.Fatalf("peer %d hears %v, %v, want %q", j, m, err, text)
			}
		}
	}
}

// TestAutoRelayTakesARelay: a peer that nobody can reach finds a relay by the
// directory, and is reached over it.
func TestAutoRelayTakesARelay(t *testing.T) {
	s := startServer(t)
	relay := newHost(t, libp2p.EnableRelay(), libp2p.EnableRelayService(), libp2p.ForceReachabilityPublic())
	relaying, err := NewClient(relay, infos(s)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = relaying.Close() })
	register(t, relaying, "")

	made := make(chan *Client, 1)
	source := func(ctx context.Context, num int) <-chan peer.AddrInfo {
		select {
		case c := <-made:
			made <- c
			return c.RelaySource(ctx, num)
		case <-ctx.Done():
			none := make(chan peer.AddrInfo)
			close(none)
			return none
		}
	}
	h := newHost(t, libp2p.EnableRelay(), libp2p.ForceReachabilityPrivate(), libp2p.EnableAutoRelayWithPeerSource(source,
		autorelay.WithBootDelay(0), autorelay.WithMinCandidates(1), autorelay.WithNumRelays(1),
		autorelay.WithMinInterval(100*time.Millisecond), autorelay.WithBackoff(100*time.Millisecond)))
	c, err := NewClient(h, infos(s)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	made <- c
	eventually(t, "it has a place at the relay", func() bool {
		tags := relay.ConnManager().GetTagInfo(h.ID())
		return tags != nil && tags.Tags["relay-reservation"] > 0
	})

	other := newHost(t, libp2p.EnableRelay())
	over := relay.Addrs()[0].Encapsulate(ma.StringCast("/p2p/" + relay.ID().String() + "/p2p-circuit"))
	if err := other.Connect(bounded(t), peer.AddrInfo{ID: h.ID(), Addrs: []ma.Multiaddr{over}}); err != nil {
		t.Fatal(err)
	}
	if other.Network().Connectedness(h.ID()) != network.Limited {
		t.Error("the connection is not over a relay")
	}
}

func TestRelaySource(t *testing.T) {
	s := startServer(t)
	alice, bob := startClient(t, infos(s)...), startClient(t, infos(s)...)
	register(t, alice, "alice")
	for num, want := range map[int]int{-1: 0, 0: 0, 1: 1, 5: 2} {
		n := 0
		for p := range bob.RelaySource(bounded(t), num) {
			if p.ID != s.Host.ID() && p.ID != alice.host.ID() || len(p.Addrs) == 0 {
				t.Errorf("offered %v", p)
			}
			n++
		}
		if n != want {
			t.Errorf("offered %d of %d, want %d", n, num, want)
		}
	}
	if err := bob.Close(); err != nil {
		t.Fatal(err)
	}
	for p := range bob.RelaySource(t.Context(), 5) {
		t.Errorf("a closed client offers %v", p)
	}
}
