package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

func TestRestartKeepsRegistrations(t *testing.T) {
	folder := t.TempDir()
	h := newHost(t)
	start := func() *Server {
		store, err := OpenStore(folder, testLogger(t))
		if err != nil {
			t.Fatal(err)
		}
		s := startServer(t, func(s *Server) { s.Host, s.Store = h, store })
		t.Cleanup(func() { _ = s.Close(); _ = store.Close() })
		return s
	}
	stop := func(s *Server) {
		if err := errors.Join(s.Close(), s.Store.Close()); err != nil {
			t.Fatal(err)
		}
	}
	one := start()
	alice, bob, carol := newHost(t), newHost(t), newHost(t)
	named := func(name string, seq uint64, removed bool) func(*claim) {
		return func(c *claim) { c.name, c.seq, c.removed = name, seq, removed }
	}
	a, b, c := rawTalk(t, alice, one), rawTalk(t, bob, one), rawTalk(t, carol, one)
	for _, resp := range []*pb.DirectoryResponse{
		a.asks(t, registerRequest(sealed(t, alice, named("alice", 1, false)))),
		a.asks(t, registerRequest(sealed(t, alice, named("Alice", 2, false)))),
		b.asks(t, registerRequest(sealed(t, bob, named("bob", 1, false)))),
		b.asks(t, removeRequest(sealed(t, bob, named("bob", 2, true)))),
		c.asks(t, registerRequest(sealed(t, carol, named("bob", 1, false)))),
	} {
		if resp.GetError() != nil {
			t.Fatal(resp)
		}
	}
	stop(one)

	two := start()
	var got []string
	for _, r := range two.List() {
		got = append(got, fmt.Sprint(r.Name, " ", r.Seq, " ", r.Online, " ", r.Peer.ID == alice.ID() || r.Peer.ID == carol.ID()))
	}
	slices.Sort(got)
	if want := []string{"Alice 2 false true", "bob 1 false true"}; !slices.Equal(got, want) {
		t.Fatalf("after the restart: %q, want %q", got, want)
	}
	b = rawTalk(t, bob, two)
	if resp := b.asks(t, registerRequest(sealed(t, bob, named("alice", 1, false)))); code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_TAKEN {
		t.Fatalf("a name is granted twice: %v", resp)
	}
	a = rawTalk(t, alice, two)
	if resp := a.asks(t, renewRequest("alice")); resp.GetGranted() == nil {
		t.Fatalf("the owner renews: %v", resp)
	}
	stop(two)
	// A server of another network does not take them over.
	store, err := OpenStore(folder, testLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	other := startServer(t, func(s *Server) { s.Store, s.Network = store, "other" })
	if records := other.List(); len(records) != 0 {
		t.Fatalf("on another network: %v", records)
	}
}

func TestExpiredLeasesAreNotRestored(t *testing.T) {
	folder := t.TempDir()
	store, err := OpenStore(folder, testLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, func(s *Server) { s.Store, s.Lease = store, 300*time.Millisecond })
	alice := newHost(t)
	rawTalk(t, alice, s).asks(t, registerRequest(sealed(t, alice)))
	if n := len(storedLeases(t, store)); n != 1 {
		t.Fatalf("%d leases are stored", n)
	}
	eventually(t, "the end is stored", func() bool { return len(storedLeases(t, store)) == 0 })
	if err := errors.Join(s.Close(), store.Close()); err != nil {
		t.Fatal(err)
	}
	store, err = OpenStore(folder, testLogger(t))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	again := startServer(t, func(s *Server) { s.Store = store })
	if records := again.List(); len(records) != 0 {
		t.Fatalf("restored: %v", records)
	}
}

// What there is no room for after a restart is told of, and has ended: that its owner
// removes it meanwhile counts when there is room again.
func TestLoweredLimitsAreTold(t *testing.T) {
	home, store := newHost(t), MemoryStore()
	var said bytes.Buffer
	start := func(most int) *Server {
		return startServer(t, func(s *Server) {
			s.Host, s.Store, s.Limits.Registrations = home, store, most
			s.Logger = slog.New(slog.NewTextHandler(&said, nil))
		})
	}
	s := start(2)
	for _, name := range []string{"alice", "bob"} {
		h := newHost(t)
		record := sealed(t, h, func(c *claim) { c.name = name })
		if resp := rawTalk(t, h, s).asks(t, registerRequest(record)); resp.GetError() != nil {
			t.Fatal(resp)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{1, 2} {
		said.Reset()
		s = start(most)
		if n := len(s.List()); n != 1 {
			t.Errorf("with room for %d there are %d", most, n)
		}
		eventually(t, "the end is stored", func() bool { return len(storedLeases(t, store)) == 1 })
		if err := s.Close(); err != nil { // whoever logs has ended
			t.Fatal(err)
		}
		if told := strings.Contains(said.String(), "limits are lower"); told != (most < 2) {
			t.Errorf("with room for %d it says:\n%s", most, &said)
		}
	}
}

func storedLeases(t *testing.T, store *Store) map[leaseID][]byte {
	t.Helper()
	all := make(map[leaseID][]byte)
	for step, err := range store.leases.all() {
		if err != nil {
			t.Fatal(err)
		}
		all[step.id] = step.stored
	}
	return all
}

// What a store gives back is counted too, though nobody is told of it.
func TestRestoredPeersAreCounted(t *testing.T) {
	s := quietServer(t)
	now := time.Now()
	var batch []*write
	for peer, name := range []string{"alice", "", "hidden"} {
		c, err := openClaim(wordOf(t, byte(peer), name, 1, func(c *claim) { c.hidden = name == "hidden" }), s.Network, now)
		if err != nil {
			t.Fatal(err)
		}
		batch = append(batch, &write{claim: c})
	}
	s.apply(batch)
	next := quietServer(t)
	next.Store = s.Store
	if err := next.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := next.population(), (population{Peers: 2, Names: 1}); got != want {
		t.Errorf("%+v are there after a restart, and not %+v", got, want)
	}
}
