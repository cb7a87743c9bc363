package main

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	rendezvous "github.com/waku-org/go-libp2p-rendezvous"

	"github.com/grapevine-p2p/grapevine/bootstrap"
)

func testHost(t *testing.T) host.Host {
	t.Helper()
	h, err := libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.DisableRelay(), libp2p.DisableMetrics(), libp2p.DisableIdentifyAddressDiscovery(),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// TestRendezvousClients lets the clients of go-libp2p-rendezvous use our server.
func TestRendezvousClients(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	server := &bootstrap.Server{Host: testHost(t)}
	if err := server.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer server.Close()

	const space = "somewhere"
	var hosts []host.Host
	var points []rendezvous.RendezvousPoint
	for range 3 {
		h := testHost(t)
		if err := h.Connect(ctx, peer.AddrInfo{ID: server.Host.ID(), Addrs: server.Host.Addrs()}); err != nil {
			t.Fatal(err)
		}
		hosts, points = append(hosts, h), append(points, rendezvous.NewRendezvousPoint(h, server.Host.ID()))
	}
	discover := func(limit int, cookie []byte) ([]rendezvous.Registration, []byte) {
		t.Helper()
		found, next, err := points[2].Discover(ctx, space, limit, cookie)
		if err != nil {
			t.Fatal(err)
		}
		return found, next
	}

	if found, _ := discover(10, nil); len(found) != 0 {
		t.Fatalf("found %v before anybody registered", found)
	}
	for _, p := range points[:2] {
		ttl, err := p.Register(ctx, space, rendezvousTTL)
		if err != nil || ttl != rendezvousTTL*time.Second {
			t.Fatalf("registered for %v, %v", ttl, err)
		}
	}

	first, cookie := discover(1, nil)
	if len(first) != 1 {
		t.Fatalf("found %v, asked for one", first)
	}
	second, cookie := discover(10, cookie)
	if len(second) != 1 || second[0].Peer.ID == first[0].Peer.ID {
		t.Fatalf("found %v after %v", second, first)
	}
	for _, r := range append(first, second...) {
		i := 0
		if r.Peer.ID == hosts[1].ID() {
			i = 1
		}
		if r.Peer.ID != hosts[i].ID() || len(r.Peer.Addrs) != len(hosts[i].Addrs()) || !r.Peer.Addrs[0].Equal(hosts[i].Addrs()[0]) {
			t.Errorf("found %v", r)
		}
	}
	if found, _ := discover(10, cookie); len(found) != 0 {
		t.Errorf("found %v again", found)
	}

	// A registration is withdrawn without an answer; the next request on the same
	// connection may overtake it.
	if err := points[0].Unregister(ctx, space); err != nil {
		t.Fatal(err)
	}
	for found, _ := discover(10, nil); len(found) != 1 || found[0].Peer.ID != hosts[1].ID(); found, _ = discover(10, nil) {
		select {
		case <-ctx.Done():
			t.Fatalf("found %v after one has left", found)
		case <-time.After(20 * time.Millisecond):
		}
	}
	if _, err := points[0].Register(ctx, "", rendezvousTTL); err == nil {
		t.Error("registered without a namespace")
	}
}
