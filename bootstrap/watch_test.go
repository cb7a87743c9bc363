package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// watching reads changes one by one.
type watching struct {
	t    *testing.T
	next func() (Change, error, bool)
}

func watch(t *testing.T, changes iter.Seq2[Change, error]) watching {
	next, stop := iter.Pull2(changes)
	t.Cleanup(stop)
	return watching{t, next}
}

func (w watching) expect(want string) Change {
	w.t.Helper()
	c, err, _ := w.next()
	if err != nil {
		w.t.Fatalf("%v, want %s", err, want)
	}
	if got := c.Kind.String() + " " + c.Record.Name; got != want {
		w.t.Fatalf("%s, want %s", got, want)
	}
	return c
}

func TestWatch(t *testing.T) {
	one, two := startServer(t), startServer(t)
	servers := infos(one, two)
	alice, bob, carol := startClient(t, servers...), startClient(t, servers...), startClient(t, servers...)
	register(t, alice, "alice")
	w := watch(t, carol.Watch(bounded(t), 0))
	w.expect("joined alice")
	lease := register(t, bob, "bob")
	w.expect("joined bob")
	if err := lease.Release(bounded(t)); err != nil {
		t.Fatal(err)
	}
	w.expect("left bob")
	register(t, carol, "carol")
	last := w.expect("joined carol")
	if last.Record.Peer.ID != carol.host.ID() || !last.Record.Online {
		t.Fatalf("%+v", last)
	}
	if err := alice.host.Close(); err != nil {
		t.Fatal(err)
	}
	w.expect("away alice")
}

func TestWatchFromAList(t *testing.T) {
	s := startServer(t)
	alice, bob := startClient(t, infos(s)...), startClient(t, infos(s)...)
	lease := register(t, alice, "alice")
	records, revision, err := bob.List(bounded(t))
	if err != nil || len(records) != 1 {
		t.Fatal(records, err)
	}
	register(t, alice, "between")
	if err := lease.Release(bounded(t)); err != nil {
		t.Fatal(err)
	}
	changes := bob.Watch(bounded(t), revision)
	w := watch(t, changes)
	w.expect("left alice")
	w.expect("joined between")
	for _, err := range bob.Watch(bounded(t), 12345) {
		if !errors.Is(err, ErrLagged) {
			t.Fatalf("a revision that is not known: %v", err)
		}
	}
}

func TestWatchResumesFromAChange(t *testing.T) {
	s := startServer(t)
	alice, bob := startClient(t, infos(s)...), startClient(t, infos(s)...)
	register(t, alice, "one")
	var revision uint64
	for c, err := range bob.Watch(bounded(t), 0) {
		if err != nil {
			t.Fatal(err)
		}
		revision = c.Revision
		break
	}
	register(t, alice, "two")
	watch(t, bob.Watch(bounded(t), revision)).expect("joined two")
}

func TestWatchSurvivesServers(t *testing.T) {
	one, two := startServer(t), startServer(t)
	alice, bob := startClient(t, infos(one, two)...), startClient(t, infos(one, two)...)
	register(t, alice, "alice")
	w := watch(t, bob.Watch(bounded(t), 0))
	w.expect("joined alice")
	if err := errors.Join(one.Close(), one.Host.Close()); err != nil {
		t.Fatal(err)
	}
	register(t, bob, "bob") // no word of alice, who is still there
	w.expect("joined bob")
}

func TestWatchOverARestart(t *testing.T) {
	s := startServer(t)
	alice, bob := startClient(t, infos(s)...), startClient(t, infos(s)...)
	register(t, alice, "alice")
	w := watch(t, bob.Watch(bounded(t), 0))
	w.expect("joined alice")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// The next has no state; alice's client registers her again, and whether the
	// watch sees the gap depends on who is first.
	next := startServer(t, func(n *Server) { n.Host = s.Host })
	for _, c := range next.Host.Network().ConnsToPeer(alice.host.ID()) {
		_ = c.Close()
	}
	eventually(t, "alice is registered again", func() bool { return len(next.List()) == 1 })
	register(t, bob, "bob")
	for {
		c, err, _ := w.next()
		if err != nil {
			t.Fatal(err)
		}
		if c.Kind == Joined && c.Record.Name == "bob" {
			return
		}
	}
}

func TestWatchEnds(t *testing.T) {
	s := startServer(t)
	c := startClient(t, infos(s)...)
	register(t, c, "alice")
	ctx, cancel := context.WithCancel(t.Context())
	w := watch(t, c.Watch(ctx, 0))
	w.expect("joined alice")
	cancel()
	if _, err, _ := w.next(); !errors.Is(err, context.Canceled) {
		t.Fatalf("after the context: %v", err)
	}
	if _, _, more := w.next(); more {
		t.Fatal("an error is not the last")
	}
	w = watch(t, c.Watch(t.Context(), 0))
	w.expect("joined alice")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for {
		_, err, more := w.next()
		if errors.Is(err, ErrClosed) {
			break
		}
		if err != nil || !more {
			t.Fatalf("after Close: %v", err)
		}
	}
	for _, err := range c.Watch(t.Context(), 0) {
		if !errors.Is(err, ErrClosed) {
			t.Fatalf("a watch of a closed client: %v", err)
		}
	}
}

func TestSlowWatcherIsTold(t *testing.T) {
	s := startServer(t)
	changes := s.Watch(bounded(t))
	for i := range journalSize + 1 {
		id := peer.ID(fmt.Sprint(i))
		s.mu.Lock()
		_, changed, _, err := s.table.grant(time.Now(), claimOf(id, "", 1), manner{})
		s.note(changed)
		s.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, err := range changes {
		if !errors.Is(err, ErrLagged) {
			t.Fatalf("the server's own watcher: %v", err)
		}
	}
	raw := rawTalk(t, newHost(t), s)
	for _, req := range []*pb.DirectoryRequest{
		watchRequest(s.epoch, 0),             // no longer kept
		watchRequest(s.epoch+1, 0),           // of another run
		watchRequest(s.epoch, 1<<40),         // of the future
		watchRequest(s.epoch, journalSize*4), //
	} {
		if resp := raw.asks(t, req); code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_LAGGED {
			t.Fatalf("%v", resp)
		}
	}
	resp := raw.asks(t, watchRequest(s.epoch, s.journal.now()-1))
	if c := resp.GetChange(); c.GetRevision() != s.journal.now() || c.GetEpoch() != s.epoch {
		t.Fatalf("resumed with %v", resp)
	}
}

func TestManyPages(t *testing.T) {
	s := startServer(t)
	const n = 700 // some 170 KiB
	for i := range n {
		key, id := testKey(t, byte(i))
		c := &claim{
			particulars: &particulars{}, expires: secondOf(time.Now().Add(time.Hour)),
			network: unique.Make(s.Network), name: fmt.Sprint("name-", i), peer: id, seq: 1,
		}
		data, err := c.seal(key)
		if err != nil {
			t.Fatal(err)
		}
		c, err = openClaim(data, s.Network, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		s.table.restore(time.Now(), c, manner{}, time.Now())
		s.mu.Unlock()
	}
	c := startClient(t, infos(s)...)
	records, _, err := c.List(bounded(t))
	if err != nil || len(records) != n {
		t.Fatalf("%d of %d, %v", len(records), n, err)
	}
	w := watch(t, c.Watch(bounded(t), 0))
	for range n {
		if ch, err, _ := w.next(); err != nil || ch.Kind != Joined {
			t.Fatal(ch, err)
		}
	}
	// On a busy machine a copy may grow old between two of the calls.
	eventually(t, "two lists of one revision are one copy", func() bool {
		one, release := s.snapshot()
		defer release()
		same, release := s.snapshot()
		defer release()
		return one == same
	})
	register(t, c, "last")
	w.expect("joined last")
	// What took long to copy is handed out for a while longer.
	eventually(t, "another registration is listed", func() bool {
		more, release := s.snapshot()
		defer release()
		return len(more.entries) == n+1
	})
}

// TestLyingServer hands out records that it made up.
func TestLyingServer(t *testing.T) {
	honest := startServer(t)
	liar := startServer(t)
	alice := startClient(t, infos(honest)...)
	register(t, alice, "alice")
	key, _ := testKey(t, 9)
	forged := &claim{
		particulars: &particulars{alice.host.Addrs()}, expires: secondOf(time.Now().Add(time.Hour)),
		network: unique.Make(liar.Network), name: "alice", key: "alice", peer: alice.host.ID(), seq: 1 << 62,
	}
	sealed, err := forged.seal(key)
	forged.sealed = string(sealed)
	if err != nil {
		t.Fatal(err)
	}
	liar.mu.Lock()
	liar.table.restore(time.Now(), forged, manner{}, time.Now())
	liar.mu.Unlock()

	bob := startClient(t, infos(liar, honest)...)
	if r, err := bob.Lookup(bounded(t), "alice"); err != nil || r.Seq == forged.seq {
		t.Fatalf("%+v, %v", r, err)
	}
	if records, _, err := bob.List(bounded(t)); err != nil || len(records) != 1 || records[0].Seq == forged.seq {
		t.Fatalf("%+v, %v", records, err)
	}
	only := startClient(t, infos(liar)...)
	if _, err := only.Lookup(bounded(t), "alice"); !errors.Is(err, ErrNoServer) || !errors.Is(err, ErrForged) {
		t.Fatalf("from the liar alone: %v", err)
	}
	if peers, err := only.Peers(bounded(t)); err != nil || len(peers) != 0 {
		t.Fatalf("%v, %v", peers, err)
	}
}
