package bootstrap

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

func TestRegisterLookupRemove(t *testing.T) {
	s := startServer(t)
	alice, bob := startClient(t, infos(s)...), startClient(t, infos(s)...)

	register(t, alice, "Alice")
	for _, name := range []string{"Alice", "alice", "ＡＬＩＣＥ"} {
		info, err := bob.Resolve(bounded(t), name)
		if err != nil {
			t.Fatal(err)
		}
		if info.ID != alice.host.ID() || !slices.EqualFunc(info.Addrs, alice.host.Addrs(), equalAddr) {
			t.Fatalf("%q resolves to %v", name, info)
		}
	}
	if err := bob.host.Connect(bounded(t), must(bob.Resolve(bounded(t), "alice"))); err != nil {
		t.Fatalf("the addresses do not lead to her: %v", err)
	}
	if _, err := bob.Lookup(bounded(t), "carol"); !errors.Is(err, ErrNotRegistered) {
		t.Fatalf("look up a stranger: %v", err)
	}

	_, err := bob.Register(bounded(t), "ALICE")
	var taken *NameTakenError
	if !errors.Is(err, ErrNameTaken) || !errors.As(err, &taken) {
		t.Fatalf("register a taken name: %v", err)
	}
	if taken.Owner != alice.host.ID() || !taken.Until.After(time.Now()) {
		t.Fatalf("refusal says %+v", taken)
	}
	if err := bob.Remove(bounded(t), "alice"); !errors.Is(err, ErrNotOwner) {
		t.Fatalf("remove somebody else's name: %v", err)
	}
	if err := bob.Remove(bounded(t), "carol"); !errors.Is(err, ErrNotRegistered) {
		t.Fatalf("remove a name of nobody: %v", err)
	}
	if err := alice.Remove(bounded(t), "alice"); err != nil {
		t.Fatal(err)
	}
	if _, err := bob.Lookup(bounded(t), "alice"); !errors.Is(err, ErrNotRegistered) {
		t.Fatalf("look up a removed name: %v", err)
	}
	register(t, bob, "alice")
}

func TestOwnerRegistersAgain(t *testing.T) {
	s := startServer(t)
	h := newHost(t)
	first, err := NewClient(h, infos(s)...)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	lease := register(t, first, "alice")
	if again := register(t, first, "ALICE"); again != lease {
		t.Fatal("the same client has two leases on one name")
	}
	// Another process with the same key, whose clock is an hour behind.
	second, err := NewClient(h, infos(s)...)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	first.mu.Lock()
	first.seq += uint64(time.Hour)
	first.mu.Unlock()
	newer, err := first.sign("alice", "alice", false, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := first.links[0].register(bounded(t), newer); err != nil {
		t.Fatal(err)
	}
	register(t, second, "alice")
	if r := must(second.Lookup(bounded(t), "alice")); r.Seq <= newer.seq {
		t.Fatalf("sequence %d does not follow %d", r.Seq, newer.seq)
	}
}

func TestListAndPeers(t *testing.T) {
	s := startServer(t)
	alice, bob, carol := startClient(t, infos(s)...), startClient(t, infos(s)...), startClient(t, infos(s)...)
	if peers := must(alice.Peers(bounded(t))); len(peers) != 0 {
		t.Fatalf("peers of an empty network: %v", peers)
	}
	register(t, alice, "alice")
	register(t, alice, "alice-files")
	register(t, bob, "bob")
	register(t, carol, "")
	records, _, err := carol.List(bounded(t))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range records {
		names = append(names, r.Name)
		if !r.Online || !r.Expires.After(r.Since) {
			t.Errorf("record %+v", r)
		}
	}
	if want := []string{"", "alice", "alice-files", "bob"}; !slices.Equal(names, want) {
		t.Fatalf("names %q, want %q", names, want)
	}
	peers := must(alice.Peers(bounded(t)))
	ids := map[peer.ID]bool{}
	for _, p := range peers {
		ids[p.ID] = true
	}
	if len(peers) != 2 || !ids[bob.host.ID()] || !ids[carol.host.ID()] {
		t.Fatalf("alice's peers are %v", peers)
	}
	// A key may have several names, and the empty one besides others.
	if records := s.List(); len(records) != 4 {
		t.Fatalf("the server lists %v", records)
	}
}

func TestSurvivesDeadServers(t *testing.T) {
	alive := startServer(t)
	servers := []peer.AddrInfo{deadServer(t), infoOf(alive.Host), deadServer(t)}
	alice, bob := startClient(t, servers...), startClient(t, servers...)
	lease := register(t, alice, "alice")
	register(t, bob, "bob")
	if info := must(bob.Resolve(bounded(t), "alice")); info.ID != alice.host.ID() {
		t.Fatalf("alice is %v", info)
	}
	if records, _, err := bob.List(bounded(t)); err != nil || len(records) != 2 {
		t.Fatalf("list: %v, %v", records, err)
	}
	if peers := must(bob.Peers(bounded(t))); len(peers) != 1 {
		t.Fatalf("peers: %v", peers)
	}
	if err := lease.Err(); err != nil {
		t.Fatal(err)
	}
	status := bob.Servers()
	for i, st := range status {
		if st.InUse != (i == 1) || st.Connected != (i == 1) || (st.Err == nil) != (i == 1) {
			t.Errorf("server %d: %+v", i, st)
		}
	}
}

func TestNoServer(t *testing.T) {
	servers := []peer.AddrInfo{deadServer(t), deadServer(t)}
	c := startClient(t, servers...)
	_, lookup := c.Lookup(bounded(t), "alice")
	_, reg := c.Register(bounded(t), "alice")
	_, _, list := c.List(bounded(t))
	_, peers := c.Peers(bounded(t))
	for what, err := range map[string]error{
		"look up": lookup, "register": reg, "list": list, "peers": peers, "remove": c.Remove(bounded(t), "alice"),
	} {
		if !errors.Is(err, ErrNoServer) {
			t.Errorf("%s: %v", what, err)
			continue
		}
		for _, s := range servers {
			if !strings.Contains(err.Error(), s.ID.String()) {
				t.Errorf("%s: %v does not name %s", what, err, s.ID)
			}
		}
	}
}

func TestRefusalByOneIsARefusal(t *testing.T) {
	one, two, three := startServer(t), startServer(t), startServer(t)
	bob := startClient(t, infos(two)...)
	register(t, bob, "alice")
	alice := startClient(t, infos(one, two, three)...)
	if _, err := alice.Register(bounded(t), "alice"); !errors.Is(err, ErrNameTaken) {
		t.Fatalf("register: %v", err)
	}
	for i, s := range []*Server{one, three} {
		if records := s.List(); len(records) != 0 {
			t.Errorf("server %d keeps %v of a refused registration", i, records)
		}
	}
	// Bob alone has two, where the others know nobody.
	if info := must(alice.Resolve(bounded(t), "alice")); info.ID != bob.host.ID() {
		t.Fatalf("alice is %v", info)
	}
}

func TestOneOfManyGetsAName(t *testing.T) {
	servers := infos(startFederation(t, 3)...)
	const claimants = 12
	clients := make([]*Client, claimants)
	for i := range clients {
		clients[i] = startClient(t, servers...)
	}
	var won atomic.Int32
	var wg sync.WaitGroup
	for _, c := range clients {
		wg.Go(func() {
			_, err := c.Register(bounded(t), "the name")
			switch {
			case err == nil:
				won.Add(1)
			case !errors.Is(err, ErrNameTaken):
				t.Errorf("register: %v", err)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Fatalf("%d have the name", won.Load())
	}
}

func TestManyClients(t *testing.T) {
	s := startServer(t)
	const n = 40
	clients := make([]*Client, n)
	for i := range clients {
		clients[i] = startClient(t, infos(s)...)
	}
	var wg sync.WaitGroup
	for i, c := range clients {
		wg.Go(func() {
			name := fmt.Sprintf("peer-%d", i)
			if _, err := c.Register(bounded(t), name); err != nil {
				t.Error(err)
				return
			}
			for range 5 {
				if r, err := c.Lookup(bounded(t), name); err != nil || r.Peer.ID != c.host.ID() {
					t.Errorf("look up %q: %v, %v", name, r, err)
				}
			}
		})
	}
	wg.Wait()
	if records := s.List(); len(records) != n {
		t.Fatalf("%d of %d are listed", len(records), n)
	}
	// In a batch of its own each claim would have cost one sync.
}

func TestServerThatComesBack(t *testing.T) {
	one := startServer(t)
	two := startServer(t)
	alice := startClient(t, infos(one, two)...)
	lease := register(t, alice, "alice")
	if err := two.Close(); err != nil {
		t.Fatal(err)
	}
	if err := lease.Err(); err != nil {
		t.Fatal(err)
	}
	// The same host, without what it knew.
	startServer(t, func(s *Server) { s.Host = two.Host; two = s })
	for _, c := range two.Host.Network().ConnsToPeer(alice.host.ID()) {
		_ = c.Close() // as a process that ends does
	}
	eventually(t, "the server that is back knows alice", func() bool { return len(two.List()) == 1 })
	eventually(t, "the lease is held by both", func() bool {
		return !slices.ContainsFunc(lease.Status(), func(s LeaseStatus) bool { return !s.Held })
	})
}

func TestServerThatWasDownAtFirst(t *testing.T) {
	one := startServer(t)
	late := newHost(t)
	alice := startClient(t, infoOf(one.Host), infoOf(late)) // the second has no directory yet
	lease := register(t, alice, "alice")
	if st := lease.Status(); !st[0].Held || st[1].Held {
		t.Fatalf("status: %+v", st)
	}
	two := startServer(t, func(s *Server) { s.Host = late })
	eventually(t, "the late server knows alice", func() bool { return len(two.List()) == 1 })
}

func TestLeaseRenewsAndEnds(t *testing.T) {
	s := startServer(t, withLease(600*time.Millisecond), func(s *Server) {
		s.Term, s.Reserve = time.Second, -1
		s.Limits.RequestsPerPeer = 1e6 // bob asks again and again
	})
	alice, bob := startClient(t, infos(s)...), startClient(t, infos(s)...)
	lease := register(t, alice, "alice")
	eventually(t, "three renewals", func() bool { return s.counts.renewed.Load() >= 3 })
	if _, err := bob.Lookup(bounded(t), "alice"); err != nil {
		t.Fatal(err)
	}
	lease.stop() // as a process that hangs
	eventually(t, "the lease ends", func() bool {
		_, err := bob.Lookup(bounded(t), "alice")
		return errors.Is(err, ErrNotRegistered)
	})
	eventually(t, "the name is free", func() bool {
		_, err := bob.Register(bounded(t), "alice")
		return err == nil
	})
}

func TestReleaseAndClose(t *testing.T) {
	s := startServer(t)
	alice := startClient(t, infos(s)...)
	lease := register(t, alice, "alice")
	register(t, alice, "second")
	if err := lease.Release(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if err := lease.Release(bounded(t)); err != nil {
		t.Fatalf("release again: %v", err)
	}
	if records := s.List(); len(records) != 1 || records[0].Name != "second" {
		t.Fatalf("after the release: %v", records)
	}
	if err := lease.Err(); !errors.Is(err, ErrClosed) {
		t.Fatalf("a released lease is %v", err)
	}
	if err := alice.Close(); err != nil {
		t.Fatal(err)
	}
	if err := alice.Close(); err != nil {
		t.Fatalf("close again: %v", err)
	}
	if records := s.List(); len(records) != 0 {
		t.Fatalf("after the close: %v", records)
	}
	if _, err := alice.Lookup(bounded(t), "alice"); !errors.Is(err, ErrClosed) {
		t.Fatalf("look up after close: %v", err)
	}
	if _, err := alice.Register(bounded(t), "alice"); !errors.Is(err, ErrClosed) {
		t.Fatalf("register after close: %v", err)
	}
}

func TestServersDisagree(t *testing.T) {
	one, two := startServer(t), startServer(t)
	register(t, startClient(t, infos(one)...), "alice")
	register(t, startClient(t, infos(two)...), "alice")
	c := startClient(t, infos(one, two)...)
	if _, err := c.Lookup(bounded(t), "alice"); !errors.Is(err, ErrDisagree) {
		t.Fatalf("look up: %v", err)
	}
}

func TestOtherNetwork(t *testing.T) {
	s := startServer(t, func(s *Server) { s.Network = "elsewhere" })
	c := startClient(t, infos(s)...)
	_, err := c.Register(bounded(t), "alice")
	if !errors.Is(err, ErrOtherNetwork) || !strings.Contains(err.Error(), "elsewhere") {
		t.Fatalf("register on another network: %v", err)
	}
}

func TestSilentServerCostsLittle(t *testing.T) {
	// It accepts streams and never answers.
	silent := newHost(t)
	silent.SetStreamHandler("/grapevine/directory/1.0.0", func(s network.Stream) {})
	alive := startServer(t)
	c := startClient(t, infoOf(silent), infoOf(alive.Host))
	register(t, c, "alice")
	if _, err := c.Lookup(bounded(t), "alice"); err != nil {
		t.Fatal(err)
	}
	if st := c.Servers(); st[0].Err == nil || !st[1].InUse {
		t.Fatalf("servers: %+v", st)
	}
}

func TestNewClientRefuses(t *testing.T) {
	h := newHost(t)
	if _, err := NewClient(h); err == nil {
		t.Error("no servers")
	}
	if _, err := NewClient(h, infoOf(h)); err == nil {
		t.Error("only itself")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
