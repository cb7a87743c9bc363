package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/federation"
)

// hurried is a patience that fits tests on a busy machine.
var hurried = federation.Timing{
	Heartbeat: 500 * time.Millisecond, Election: 500 * time.Millisecond, LeaderLease: 250 * time.Millisecond,
	Request: 3 * time.Second, Knock: 250 * time.Millisecond,
}

// fellow starts a server that is to join others.
func fellow(t testing.TB, h host.Host, store *Store, others []peer.AddrInfo, set ...func(*Server)) *Server {
	t.Helper()
	return startServer(t, append([]func(*Server){func(s *Server) {
		s.Host, s.Store, s.Federation, s.timing = h, store, others, hurried
	}}, set...)...)
}

// startFederation starts servers that grant names together.
func startFederation(t testing.TB, n int, set ...func(*Server)) []*Server {
	t.Helper()
	servers := []*Server{fellow(t, newHost(t), MemoryStore(), nil, set...)}
	for range n - 1 {
		s := fellow(t, newHost(t), MemoryStore(), infos(servers[0]), set...)
		add(t, servers[0], s.Host)
		servers = append(servers, s)
	}
	for _, s := range servers {
		eventually(t, "all servers follow each other", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			heard := 0
			for _, told := range s.story.fellows {
				if !told.lost {
					heard++
				}
			}
			return heard == n-1
		})
	}
	return servers
}

// add makes a server a member. Two that dial each other at the same moment may both
// fail, and succeed the next time.
func add(t testing.TB, to *Server, server host.Host) {
	t.Helper()
	eventually(t, "the server is a member", func() bool {
		err := to.AddServer(bounded(t), infoOf(server))
		if err != nil {
			t.Log(err)
		}
		return err == nil
	})
}

func namesAt(s *Server) []string {
	var all []string
	for _, r := range s.List() {
		all = append(all, r.Name)
	}
	slices.Sort(all)
	return all
}

func TestFederation(t *testing.T) {
	servers := startFederation(t, 3)
	for _, s := range servers {
		eventually(t, "each knows all members", func() bool {
			members := s.Members()
			leaders := slices.DeleteFunc(slices.Clone(members), func(m Member) bool { return !m.Leader })
			return len(members) == 3 && len(leaders) == 1 &&
				!slices.ContainsFunc(members, func(m Member) bool { return !m.Voter || !m.Reachable })
		})
	}
	// Each client knows one server only.
	alice, bob, carol := startClient(t, infos(servers[0])...), startClient(t, infos(servers[1])...), startClient(t, infos(servers[2])...)
	register(t, alice, "alice")
	lease := register(t, bob, "bob")
	register(t, carol, "")
	for i, s := range servers {
		eventually(t, "presence is known everywhere", func() bool { return slices.Equal(namesAt(s), []string{"", "alice", "bob"}) })
		if r := must(startClient(t, infos(s)...).Lookup(bounded(t), "alice")); r.Peer.ID != alice.host.ID() || !r.Online {
			t.Fatalf("server %d says %+v", i, r)
		}
	}
	// A name is taken wherever one asks.
	var taken *NameTakenError
	if _, err := carol.Register(bounded(t), "ALICE"); !errors.As(err, &taken) || taken.Owner != alice.host.ID() {
		t.Fatalf("register a taken name elsewhere: %v", err)
	}
	if !taken.Until.After(time.Now().Add(24 * time.Hour)) {
		t.Errorf("the name is free at %v", taken.Until)
	}
	if _, err := carol.Register(bounded(t), "al1ce"); err != nil {
		t.Fatalf("register another name: %v", err)
	}
	if _, err := bob.Register(bounded(t), "b0b"); !errors.As(err, &taken) || taken.Like != "bob" {
		t.Fatalf("register what looks like a name that is taken: %v", err)
	}
	if err := lease.Release(bounded(t)); err != nil {
		t.Fatal(err)
	}
	for _, s := range servers {
		eventually(t, "everybody hears who left", func() bool { return !slices.Contains(namesAt(s), "bob") })
	}
	register(t, carol, "bob")

	// One is stopped: the others go on.
	stopped := slices.IndexFunc(servers, func(s *Server) bool {
		return slices.ContainsFunc(s.Members(), func(m Member) bool { return m.Leader && m.Peer.ID == s.Host.ID() })
	})
	if stopped < 0 {
		t.Fatal("nobody leads")
	}
	stop(t, servers[stopped])
	rest := slices.Delete(slices.Clone(servers), stopped, stopped+1)
	if slices.ContainsFunc(rest[0].MembersNow(bounded(t)), func(m Member) bool { return m.Peer.ID == servers[stopped].Host.ID() && m.Reachable }) {
		t.Error("a server that has stopped seems to answer")
	}
	servers[stopped].MembersNow(context.Background()) // returns, though nobody looks any more
	dora := startClient(t, infos(rest...)...)
	eventually(t, "a name is granted by two of three", func() bool {
		_, err := dora.Register(bounded(t), "dora")
		return err == nil
	})
	for _, s := range rest {
		if !slices.Contains(namesAt(s), "alice") {
			t.Errorf("who was at the server that stopped is not believed: %v", namesAt(s))
		}
	}

	// With one of three left nothing is granted, and everything else goes on.
	stop(t, rest[0])
	last := rest[1]
	left := startClient(t, infos(last)...)
	eventually(t, "a claim is refused in words", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := left.Register(ctx, "eve")
		return errors.Is(err, ErrNoMajority)
	})
	if err := last.RemoveServer(bounded(t), rest[0].Host.ID()); !errors.Is(err, ErrNoMajority) || strings.Count(err.Error(), ErrNoMajority.Error()) != 1 {
		t.Errorf("a server is removed without a majority: %v", err)
	}
	if r := must(left.Lookup(bounded(t), "dora")); r.Peer.ID != dora.host.ID() {
		t.Fatalf("dora is %+v", r)
	}
	before := last.counts.renewed.Load()
	for _, h := range dora.leases {
		if _, err := dora.links[1].renew(bounded(t), h.Name()); err != nil {
			t.Fatalf("renew without a majority: %v", err)
		}
	}
	if last.counts.renewed.Load() == before {
		t.Error("nothing was renewed")
	}
	if records, _, err := left.List(bounded(t)); err != nil || len(records) == 0 {
		t.Fatalf("list without a majority: %v, %v", records, err)
	}
	w := watch(t, left.Watch(bounded(t), 0))
	if c, err, _ := w.next(); err != nil || c.Kind != Joined {
		t.Fatalf("watch without a majority: %v, %v", c, err)
	}
}

// stop ends a server and its host, as when its machine goes down.
func stop(t testing.TB, s *Server) {
	t.Helper()
	if err := errors.Join(s.Close(), s.Host.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestServersComeBack(t *testing.T) {
	folders := []string{t.TempDir(), t.TempDir(), t.TempDir()}
	hosts := []host.Host{newHost(t), newHost(t), newHost(t)}
	open := func(i int) *Store {
		t.Helper()
		store, err := OpenStore(folders[i], testLogger(t))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		return store
	}
	servers := []*Server{fellow(t, hosts[0], open(0), nil)}
	for i := range 2 {
		servers = append(servers, fellow(t, hosts[i+1], open(i+1), infos(servers[0])))
		add(t, servers[0], hosts[i+1])
	}
	alice := newHost(t)
	for _, s := range servers {
		if resp := rawTalk(t, alice, s).asks(t, registerRequest(sealed(t, alice))); resp.GetGranted() == nil {
			t.Fatal(resp)
		}
	}
	end := func(i int) {
		t.Helper()
		if err := errors.Join(servers[i].Close(), servers[i].Store.Close()); err != nil {
			t.Fatal(err)
		}
	}
	for i := range servers {
		end(i)
	}

	// One is back with its state: there is no majority, but who was there is listed
	// and may stay.
	servers[1] = fellow(t, hosts[1], open(1), nil)
	records := servers[1].List()
	if len(records) != 1 || records[0].Name != "alice" || !records[0].Unconfirmed {
		t.Fatalf("after the restart: %+v", records)
	}
	resp := rawTalk(t, alice, servers[1]).asks(t, renewRequest("alice"))
	if g := resp.GetGranted(); g == nil || g.TermMs != 0 {
		t.Fatalf("the owner renews: %v", resp)
	}
	if records := servers[1].List(); len(records) != 1 || records[0].Unconfirmed {
		t.Fatalf("after the renewal: %+v", records)
	}

	// Another is back without its state, and a majority with it: nobody gets the
	// name.
	servers[0] = fellow(t, hosts[0], open(0), nil)
	folders[2] = t.TempDir()
	servers[2] = fellow(t, hosts[2], open(2), infos(servers[0], servers[1]))
	mallory := newHost(t)
	for _, s := range servers {
		raw := rawTalk(t, mallory, s)
		eventually(t, "the name is known to be taken", func() bool {
			return errorOf(raw.asks(t, registerRequest(sealed(t, mallory)))) == "DIRECTORY_ERROR_NAME_TAKEN"
		})
	}
	eventually(t, "the server that lost its state has a vote again", func() bool {
		return slices.ContainsFunc(servers[0].Members(), func(m Member) bool {
			return m.Peer.ID == hosts[2].ID() && m.Voter && m.Reachable
		})
	})
	eventually(t, "it knows who is there", func() bool { return slices.Equal(namesAt(servers[2]), []string{"alice"}) })
	raw := rawTalk(t, alice, servers[1])
	eventually(t, "the term begins anew", func() bool {
		return raw.asks(t, renewRequest("alice")).GetGranted().GetTermMs() > 0
	})
	for i := range servers {
		end(i)
	}
}

func TestHiddenPeers(t *testing.T) {
	servers := startFederation(t, 2)
	alice, bob := newHost(t), startClient(t, infos(servers[1])...)
	w := watch(t, bob.Watch(bounded(t), 0))
	hidden := sealed(t, alice, func(c *claim) { c.hidden = true })
	if resp := rawTalk(t, alice, servers[0]).asks(t, registerRequest(hidden)); resp.GetGranted() == nil {
		t.Fatal(resp)
	}
	eventually(t, "she is found by name at both", func() bool {
		r, err := bob.Lookup(bounded(t), "alice")
		return err == nil && r.Hidden && r.Peer.ID == alice.ID()
	})
	for i, s := range servers {
		if all := namesAt(s); len(all) != 0 {
			t.Errorf("server %d lists %v", i, all)
		}
		resp := rawTalk(t, bob.host, s).asks(t, sampleRequest())
		if len(resp.GetPage().GetEntries()) != 0 {
			t.Errorf("server %d hands out %v", i, resp)
		}
	}
	register(t, bob, "bob")
	w.expect("joined bob") // and nothing before
}

func TestOwnWatchIsForFellows(t *testing.T) {
	s := startServer(t)
	req := watchRequest(0, 0)
	req.GetWatch().Own = true
	if resp := rawTalk(t, newHost(t), s).asks(t, req); resp.GetError() == nil {
		t.Fatalf("anybody may watch what servers tell each other: %v", resp)
	}
}

func TestDamagedNamesAreSurvived(t *testing.T) {
	folder, h := t.TempDir(), newHost(t)
	start := func() *Server {
		store, err := OpenStore(folder, testLogger(t))
		if err != nil {
			t.Fatal(err)
		}
		return startServer(t, func(s *Server) { s.Host, s.Store, s.Term = h, store, 2*time.Second })
	}
	alice := newHost(t)
	one := start()
	if resp := rawTalk(t, alice, one).asks(t, registerRequest(sealed(t, alice))); resp.GetGranted() == nil {
		t.Fatal(resp)
	}
	if err := errors.Join(one.Close(), one.Store.Close()); err != nil {
		t.Fatal(err)
	}
	damage(t, folder, namesFileName)
	two := start()
	if resp := rawTalk(t, alice, two).asks(t, renewRequest("alice")); resp.GetGranted() == nil {
		t.Fatal(resp)
	}
	eventually(t, "her name is hers again", func() bool {
		holding, held := two.federation.Owner("alice")
		return held && holding.Owner == alice.ID()
	})
	if err := errors.Join(two.Close(), two.Store.Close()); err != nil {
		t.Fatal(err)
	}
}

func TestManyNamesAreUpheld(t *testing.T) {
	s := startServer(t, func(s *Server) { s.Term, s.Reserve = time.Second, -1 })
	alice := newHost(t)
	raw := rawTalk(t, alice, s)
	for i := range 3 {
		record := sealed(t, alice, func(c *claim) { c.name = fmt.Sprint("name-", i) })
		if resp := raw.asks(t, registerRequest(record)); resp.GetGranted().GetTermMs() == 0 {
			t.Fatal(resp)
		}
	}
	first, _ := s.federation.Owner("name-0")
	eventually(t, "the terms of a peer that stays are renewed", func() bool {
		now, held := s.federation.Owner("name-0")
		return held && now.Ends > first.Ends+2*time.Second
	})
	if resp := raw.asks(t, renewRequest("name-0")); resp.GetGranted().GetTermMs() == 0 {
		t.Fatal(resp)
	}
}
