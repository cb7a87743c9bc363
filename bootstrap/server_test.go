package bootstrap

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

func TestForgedAndReplayedRecords(t *testing.T) {
	s := startServer(t)
	alice, mallory := newHost(t), newHost(t)
	a, m := rawTalk(t, alice, s), rawTalk(t, mallory, s)
	ok := pb.DirectoryErrorCode_DIRECTORY_ERROR_UNSPECIFIED
	bad := pb.DirectoryErrorCode_DIRECTORY_ERROR_MALFORMED
	stale := pb.DirectoryErrorCode_DIRECTORY_ERROR_STALE
	seq := func(n uint64) func(*claim) { return func(c *claim) { c.seq = n } }
	give := func(c *claim) { c.removed = true }
	as := func(id peer.ID) func(*claim) { return func(c *claim) { c.peer = id } }
	first := sealed(t, alice)
	for i, step := range []struct {
		talk *talk
		req  *pb.DirectoryRequest
		want pb.DirectoryErrorCode
	}{
		{a, registerRequest(first), ok},
		{a, registerRequest(first), ok}, // the same again, as after a lost answer
		{m, registerRequest(sealed(t, alice)), bad},
		{m, registerRequest(sealed(t, alice, seq(99))), bad}, // hers, but not from her
		{m, registerRequest(sealed(t, mallory, as(alice.ID()), seq(99))), bad},
		{m, removeRequest(sealed(t, alice, give, seq(99))), bad},
		{m, removeRequest(sealed(t, mallory, give, seq(99))), pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_OWNER},
		{m, registerRequest(sealed(t, mallory)), stale}, // a claim from before it gave the name up
		{m, registerRequest(sealed(t, mallory, seq(100))), pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_TAKEN},
		{m, renewRequest("alice"), pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_REGISTERED},
		{a, registerRequest(sealed(t, alice, seq(9))), stale},
		{a, registerRequest(sealed(t, alice, func(c *claim) { c.name = "ALICE" })), stale},
		{a, registerRequest(sealed(t, alice, func(c *claim) { c.network = unique.Make("other"); c.seq = 99 })), pb.DirectoryErrorCode_DIRECTORY_ERROR_OTHER_NETWORK},
		{a, registerRequest(sealed(t, alice, give, seq(99))), bad}, // a removal is no registration
		{a, removeRequest(sealed(t, alice, seq(99))), bad},         // nor the other way round
		{a, removeRequest(sealed(t, alice, give)), stale},
		{a, renewRequest("Alice"), ok},
		{a, removeRequest(sealed(t, alice, give, seq(11))), ok},
		{a, removeRequest(sealed(t, alice, give, seq(11))), ok}, // the same again
		{a, removeRequest(sealed(t, alice, give, seq(12))), pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_REGISTERED},
		{m, registerRequest(sealed(t, mallory, seq(100))), ok},
		{m, registerRequest(nil), bad},
		{m, registerRequest([]byte("garbage")), bad},
		{m, renewRequest("a\u202eb"), pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_INVALID},
		{m, &pb.DirectoryRequest{}, pb.DirectoryErrorCode_DIRECTORY_ERROR_UNSUPPORTED},
	} {
		resp := step.talk.asks(t, step.req)
		if code(resp) != step.want {
			t.Fatalf("step %d: %v, want code %v", i, resp, step.want)
		}
		if resp.GetError() != nil && resp.GetError().Reason == "" {
			t.Errorf("step %d: refused without words", i)
		}
	}
}

func TestGarbageCostsTheStream(t *testing.T) {
	s := startServer(t)
	c := startClient(t, infos(s)...)
	register(t, c, "alice")
	mallory := newHost(t)
	huge := protowire.AppendVarint(nil, maxRequest+1)
	for name, garbage := range map[string][]byte{
		"oversized":      append(huge, make([]byte, 100)...),
		"gigantic":       bytes.Repeat([]byte{0xff}, 20),
		"not protobuf":   append([]byte{8}, bytes.Repeat([]byte{0xff}, 8)...),
		"http":           []byte("GET / HTTP/1.1\r\nHost: localhost\r\n" + strings.Repeat("X: y\r\n", 20)),
		"invalid string": append([]byte{4}, 0x12, 2, 0xff, 0xfe),
	} {
		t.Run(name, func(t *testing.T) {
			was := s.counts.malformed.Load()
			bad := rawTalk(t, mallory, s)
			good := rawTalk(t, mallory, s) // of the same peer
			if _, err := bad.stream.Write(garbage); err != nil {
				t.Fatal(err)
			}
			if _, err := bad.receive(patience); err == nil || errors.Is(err, io.EOF) {
				t.Fatalf("the stream ends with %v, want a reset", err)
			}
			if s.counts.malformed.Load() != was+1 {
				t.Error("not counted")
			}
			good.asks(t, renewRequest("")) // still answered
			if _, err := c.Lookup(bounded(t), "alice"); err != nil {
				t.Fatal(err)
			}
			_ = good.stream.Reset()
		})
	}
}

func TestStreamLimits(t *testing.T) {
	s := startServer(t, func(s *Server) { s.Limits = Limits{StreamsPerPeer: 2, Watchers: 1} })
	h := newHost(t)
	one, two := rawTalk(t, h, s), rawTalk(t, h, s)
	one.asks(t, renewRequest(""))
	two.asks(t, renewRequest(""))
	third := rawTalk(t, h, s)
	_ = third.send(renewRequest(""))
	if _, err := third.receive(patience); err == nil {
		t.Fatal("a third stream is answered")
	}
	one.asks(t, watchRequest(0, 0))
	if resp := two.asks(t, watchRequest(0, 0)); code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_FULL {
		t.Fatalf("a second watcher: %v", resp)
	}
	other := rawTalk(t, newHost(t), s)
	other.asks(t, renewRequest(""))
	// What is closed counts no more.
	_ = two.stream.Reset()
	eventually(t, "a stream is free again", func() bool {
		again := rawTalk(t, h, s)
		defer func() { _ = again.stream.Reset() }()
		if again.send(&pb.DirectoryRequest{Network: wire.DefaultNetwork}) != nil {
			return false
		}
		_, err := again.receive(patience)
		return err == nil
	})
}

func TestRequestRate(t *testing.T) {
	s := startServer(t, func(s *Server) { s.Limits = Limits{RequestsPerPeer: 0.5} })
	greedy, other := rawTalk(t, newHost(t), s), rawTalk(t, newHost(t), s)
	for i := range 5 {
		if resp := greedy.asks(t, renewRequest("")); code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_REGISTERED {
			t.Fatalf("request %d: %v", i, resp)
		}
	}
	resp := greedy.asks(t, renewRequest(""))
	if code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_BUSY || resp.GetError().RetryMs == 0 {
		t.Fatalf("over the rate: %v", resp)
	}
	if resp := other.asks(t, renewRequest("")); code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_REGISTERED {
		t.Fatalf("another peer: %v", resp)
	}
}

func TestClosedConnectionIsAway(t *testing.T) {
	s := startServer(t)
	next, stop := iter.Pull2(s.Watch(bounded(t)))
	defer stop()
	expect := func(kind ChangeKind, name string) {
		t.Helper()
		c, err, _ := next()
		if err != nil || c.Kind != kind || c.Record.Name != name {
			t.Fatalf("%v %q, %v; want %v %q", c.Kind, c.Record.Name, err, kind, name)
		}
	}
	alice := startClient(t, infos(s)...)
	lease := register(t, alice, "alice")
	expect(Joined, "alice")
	lease.stop()
	if err := alice.host.Close(); err != nil {
		t.Fatal(err)
	}
	expect(Away, "alice")
	if records := s.List(); len(records) != 1 || records[0].Online {
		t.Fatalf("listed are %+v", records)
	}
}

func TestReconnectIsOnlineAtOnce(t *testing.T) {
	s := startServer(t)
	alice := startClient(t, infos(s)...)
	register(t, alice, "alice")
	for _, c := range alice.host.Network().ConnsToPeer(s.Host.ID()) {
		_ = c.Close()
	}
	eventually(t, "she was away", func() bool { return s.journal.now() >= 2 })
	eventually(t, "she is back", func() bool { records := s.List(); return len(records) == 1 && records[0].Online })
}

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

// brokenStore fails from some commit on, until it is mended.
type brokenStore struct {
	leaseStore
	mu     sync.Mutex
	ok     int
	mended bool
}

func (b *brokenStore) commit(steps []leaseStep) error {
	if err := b.fail(); err != nil {
		return err
	}
	return b.leaseStore.commit(steps)
}

func (b *brokenStore) replace(all []leaseStep) error {
	if err := b.fail(); err != nil {
		return err
	}
	return b.leaseStore.replace(all)
}

func (b *brokenStore) fail() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ok--; b.ok < 0 && !b.mended {
		return errors.New("disk full")
	}
	return nil
}

func (b *brokenStore) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mended = true
}

func TestStorageFailureIsTold(t *testing.T) {
	broken := &brokenStore{leaseStore: MemoryStore().leases, ok: 1}
	store := MemoryStore()
	store.leases = broken
	s := startServer(t, func(s *Server) { s.Store = store })
	alice, bob := newHost(t), newHost(t)
	a, b := rawTalk(t, alice, s), rawTalk(t, bob, s)
	if resp := a.asks(t, registerRequest(sealed(t, alice))); resp.GetGranted() == nil {
		t.Fatal(resp)
	}
	bobs := sealed(t, bob, func(c *claim) { c.name = "" })
	for range 2 {
		resp := b.asks(t, registerRequest(bobs))
		if code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_STORAGE || resp.GetError().RetryMs == 0 {
			t.Fatalf("what is not durable is acknowledged: %v", resp)
		}
	}
	give := func(c *claim) { c.removed, c.seq, c.name = true, 99, "" }
	if resp := b.asks(t, removeRequest(sealed(t, bob, give))); code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_STORAGE {
		t.Fatalf("a removal that is not durable is acknowledged: %v", resp)
	}
	if records := s.List(); len(records) != 1 || records[0].Name != "alice" {
		t.Fatalf("listed are %v", records)
	}
	// Everything else goes on.
	if resp := a.asks(t, renewRequest("alice")); resp.GetGranted() == nil {
		t.Fatal(resp)
	}
	if w := get(t, s, "/healthz"); w.Code != http.StatusServiceUnavailable {
		t.Fatalf("health: %d", w.Code)
	}
	// With room on the disk again it goes on, with all that it ought to hold.
	broken.mend()
	s.mu.Lock()
	s.storeAgain = time.Time{}
	s.mu.Unlock()
	if resp := b.asks(t, registerRequest(bobs)); resp.GetGranted() == nil {
		t.Fatal(resp)
	}
	if kept := storedLeases(t, store); len(kept) != 2 {
		t.Fatalf("%d leases are stored", len(kept))
	}
	if w := get(t, s, "/healthz"); w.Code != http.StatusOK {
		t.Fatalf("health: %d", w.Code)
	}
}

func TestServerLifecycle(t *testing.T) {
	if err := (&Server{}).Start(t.Context()); err == nil {
		t.Error("a server without a host starts")
	}
	s := startServer(t)
	if err := s.Start(t.Context()); err == nil {
		t.Error("a server starts twice")
	}
	watching := rawTalk(t, newHost(t), s)
	watching.asks(t, watchRequest(0, 0))
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := watching.receive(patience); err == nil {
		t.Error("a watch goes on after Close")
	}
}
