package bootstrap

import (
	"bytes"
	"errors"
	"io"
	"iter"
	"strings"
	"testing"
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
