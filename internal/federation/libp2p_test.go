package federation

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

func newHost(t testing.TB, s *server) host.Host {
	t.Helper()
	h, err := libp2p.New(libp2p.Identity(s.key), libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.Transport(tcp.NewTCPTransport), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Three servers over real hosts, with their logs on disk: each takes claims, and one
// that comes back elsewhere is found again.
func TestOverHosts(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	servers := []*server{newServer(t, 1), newServer(t, 2), newServer(t, 3)}
	hosts := make([]host.Host, 3)
	networks := make([]*HostNetwork, 3)
	folders := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	start := func(i int, fellows ...peer.AddrInfo) {
		t.Helper()
		s := servers[i]
		hosts[i] = newHost(t, s)
		networks[i] = OverHost(hosts[i])
		stores, err := OpenStores(folders[i])
		if err != nil {
			t.Fatal(err)
		}
		s.Federation, err = Start(ctx, Config{
			Key: s.key, Addrs: hosts[i].Addrs, Name: "test", Network: networks[i], Stores: stores, Fellows: fellows,
			Logger: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	stop := func(i int) {
		t.Helper()
		servers[i].stop(t)
		if err := networks[i].Close(); err != nil {
			t.Error(err)
		}
		if err := hosts[i].Close(); err != nil {
			t.Error(err)
		}
	}
	info := func(i int) peer.AddrInfo { return peer.AddrInfo{ID: servers[i].id, Addrs: hosts[i].Addrs()} }
	start(0)
	for i := 1; i < 3; i++ {
		start(i, info(0))
		if err := servers[0].AddServer(ctx, info(i)); err != nil {
			t.Fatal(err)
		}
	}
	alice := owner(t, 1)
	claim := func(at int, name string) {
		t.Helper()
		for ctx.Err() == nil {
			_, err := servers[at].Claim(ctx, claimOf(alice, name, 1))
			if err == nil {
				return
			}
			t.Logf("claim of %q at %d: %v", name, at, err) // an election, on a busy machine
		}
		t.Errorf("claim of %q at %d: never", name, at)
	}
	for i := range 3 {
		claim(i, fmt.Sprintf("name %d", i))
	}
	stop(0)
	claim(1, "while one is down")
	start(0) // at another port
	claim(0, "back again")
	for i := range 3 {
		stop(i)
	}
}
