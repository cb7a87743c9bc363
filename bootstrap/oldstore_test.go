package bootstrap

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// TestRegistrationsOfAnOlderVersion are taken over once, as they were at the end of
// their log.
func TestRegistrationsOfAnOlderVersion(t *testing.T) {
	folder := t.TempDir()
	alice, bob, carol := newHost(t), newHost(t), newHost(t)
	since := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	granted := func(h host.Host, name string, seq uint64) []byte {
		return marshal(&pb.DirectoryStored{SinceUnixMs: since.UnixMilli(), Record: sealed(t, h, func(c *claim) { c.name, c.seq = name, seq })})
	}
	file := filepath.Join(folder, oldStoreName)
	log, _, err := durable.OpenLog(durable.OS{}, file)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(log.Append(
		granted(alice, "Alice", 1),
		granted(bob, "bob", 1),
		granted(carol, "carol", 1),
		[]byte("of a version that is older still"),
		marshal(&pb.DirectoryStored{EndedPeer: []byte(bob.ID()), EndedName: "bob"}),
		granted(carol, "Carol", 2),
	), log.Close())
	if err != nil {
		t.Fatal(err)
	}

	home := newHost(t)
	start := func() (*Server, func()) {
		store, err := OpenStore(folder, testLogger(t))
		if err != nil {
			t.Fatal(err)
		}
		s := startServer(t, func(s *Server) { s.Host, s.Store = home, store })
		return s, func() {
			if err := errors.Join(s.Close(), store.Close()); err != nil {
				t.Error(err)
			}
		}
	}
	s, stop := start()
	found := map[string]Record{}
	for _, r := range s.List() {
		found[r.Name] = r
	}
	if len(found) != 2 || found["Alice"].Peer.ID != alice.ID() || found["Carol"].Seq != 2 {
		t.Fatalf("taken over: %v", found)
	}
	if r := found["Alice"]; !r.Unconfirmed || r.Online || r.Since.Sub(since).Abs() > time.Second {
		t.Errorf("taken over: %+v", r)
	}
	// The older version granted names without consensus: who has one keeps it.
	stranger := newHost(t)
	resp := rawTalk(t, stranger, s).asks(t, registerRequest(sealed(t, stranger, func(c *claim) { c.name = "carol" })))
	if resp.GetError().GetCode() != pb.DirectoryErrorCode_DIRECTORY_ERROR_NAME_TAKEN || string(resp.GetError().GetOwner()) != string(carol.ID()) {
		t.Errorf("the name of one who is expected back: %v", resp)
	}
	resp = rawTalk(t, alice, s).asks(t, registerRequest(sealed(t, alice, func(c *claim) { c.name, c.seq = "Alice", 2 })))
	if resp.GetGranted().GetTermMs() == 0 {
		t.Errorf("its holder gets its name: %v", resp)
	}
	removal := sealed(t, alice, func(c *claim) { c.name, c.seq, c.removed = "Alice", 3, true })
	if resp := rawTalk(t, alice, s).asks(t, removeRequest(removal)); resp.GetRemoved() == nil {
		t.Error(resp)
	}
	stop()

	s, stop = start()
	defer stop()
	if list := s.List(); len(list) != 1 || list[0].Name != "Carol" {
		t.Errorf("what has ended is taken over again: %v", list)
	}
	if _, err := os.Stat(file + ".old"); err != nil {
		t.Errorf("the old file is not kept: %v", err)
	}
}
