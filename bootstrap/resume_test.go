package bootstrap

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// watched is a server that answers each watch as a test says, one after the other.
func watched(t *testing.T, answers ...func(*pb.DirectoryWatch, func(*pb.DirectoryResponse), network.Stream)) host.Host {
	t.Helper()
	h := newHost(t)
	next := make(chan int, 1)
	next <- 0
	h.SetStreamHandler(wire.Directory, func(stream network.Stream) {
		defer func() { _ = stream.Reset() }()
		var req pb.DirectoryRequest
		if wire.ReadFrame(bufio.NewReader(stream), maxRequest, &req) != nil || req.GetWatch() == nil {
			return
		}
		i := <-next
		defer func() { next <- i + 1 }()
		if i >= len(answers) {
			t.Errorf("watch %d is %v", i, req.GetWatch())
			return
		}
		answers[i](req.GetWatch(), func(r *pb.DirectoryResponse) {
			if err := wire.WriteFrame(stream, maxResponse, r); err != nil {
				t.Errorf("watch %d: %v", i, err)
			}
		}, stream)
	})
	return h
}

func pageResponse(epoch, revision uint64, entries ...*pb.DirectoryEntry) *pb.DirectoryResponse {
	return &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Page{Page: &pb.DirectoryPage{
		Entries: entries, Last: true, Epoch: epoch, Revision: revision,
	}}}
}

func changeResponse(epoch, revision uint64, kind ChangeKind, e *pb.DirectoryEntry) *pb.DirectoryResponse {
	return &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Change{Change: &pb.DirectoryChange{
		Epoch: epoch, Revision: revision, Kind: pb.DirectoryChangeKind(kind), Entry: e,
	}}}
}

// entryOf is an entry that a host signed.
func entryOf(t *testing.T, h host.Host, name string) *pb.DirectoryEntry {
	return &pb.DirectoryEntry{Record: sealed(t, h, func(c *claim) { c.name = name }), Online: true, LeftMs: 60_000}
}

// TestWatchGoesOn: after a break the server is asked only for what came since, and
// for everything when it does not keep that; the watcher is told neither twice.
func TestWatchGoesOn(t *testing.T) {
	h := newHost(t)
	one, two, three := entryOf(t, h, "one"), entryOf(t, h, "two"), entryOf(t, h, "three")
	expect := func(w *pb.DirectoryWatch, epoch, from uint64) {
		if w.GetEpoch() != epoch || w.GetFrom() != from || w.GetOwn() {
			t.Errorf("watch %v, want epoch %d from %d", w, epoch, from)
		}
	}
	server := watched(t,
		func(w *pb.DirectoryWatch, send func(*pb.DirectoryResponse), stream network.Stream) {
			expect(w, 0, 0)
			send(pageResponse(5, 7, one))
			send(changeResponse(5, 8, Joined, two))
			_, _ = stream.Read(make([]byte, 1)) // until the test closes the connection
		},
		func(w *pb.DirectoryWatch, send func(*pb.DirectoryResponse), stream network.Stream) {
			expect(w, 5, 8)
			send(changeResponse(5, 9, Joined, three))
			_, _ = stream.Read(make([]byte, 1))
		},
		func(w *pb.DirectoryWatch, send func(*pb.DirectoryResponse), stream network.Stream) {
			expect(w, 5, 9)
			send(errorResponse(pb.DirectoryErrorCode_DIRECTORY_ERROR_LAGGED))
			_, _ = stream.Read(make([]byte, 1)) // until the client hangs up
		},
		func(w *pb.DirectoryWatch, send func(*pb.DirectoryResponse), stream network.Stream) {
			expect(w, 0, 0)
			send(pageResponse(6, 1, one, three))
			send(changeResponse(6, 2, Expired, one))
			_, _ = stream.Read(make([]byte, 1))
		},
	)
	c := startClient(t, infoOf(server))
	w := watch(t, c.Watch(bounded(t), 0))
	w.expect("joined one")
	w.expect("joined two")
	cut := func() {
		t.Helper()
		if err := server.Network().ClosePeer(c.host.ID()); err != nil {
			t.Fatal(err)
		}
	}
	cut()
	w.expect("joined three")
	cut()
	w.expect("left two")
	w.expect("expired one")
}

// TestWatchResumesAtAServer that is no script, over breaks.
func TestWatchResumesAtAServer(t *testing.T) {
	s := startServer(t)
	alice, bob := startClient(t, infos(s)...), startClient(t, infos(s)...)
	register(t, alice, "one")
	w := watch(t, bob.Watch(bounded(t), 0))
	w.expect("joined one")
	for i := range 3 {
		if err := s.Host.Network().ClosePeer(bob.host.ID()); err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprint("more-", i)
		register(t, alice, name)
		w.expect("joined " + name)
	}
}

// TestSlowConsumerIsTold: changes do not pile up for a watcher who does not come for
// them.
func TestSlowConsumerIsTold(t *testing.T) {
	h := newHost(t)
	taken, ended := make(chan struct{}), make(chan struct{})
	server := watched(t, func(_ *pb.DirectoryWatch, send func(*pb.DirectoryResponse), stream network.Stream) {
		defer close(ended)
		_ = stream.SetDeadline(time.Now().Add(patience))
		send(pageResponse(5, 0))
		send(changeResponse(5, 1, Joined, entryOf(t, h, "first")))
		<-taken
		var err error
		for revision := uint64(2); err == nil; revision++ { // until the client hangs up
			err = wire.WriteFrame(stream, maxResponse, changeResponse(5, revision, Joined, entryOf(t, h, fmt.Sprint("name-", revision))))
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("the watch goes on: %v", err)
		}
	})
	c := startClient(t, infoOf(server))
	c.queue = 2
	seen := 0
	for _, err := range c.Watch(bounded(t), 0) {
		switch {
		case err == nil && seen == 0:
			seen++
			close(taken)
			<-ended
		case !errors.Is(err, ErrLagged):
			t.Fatalf("told %v after %d changes", err, seen)
		default:
			return
		}
	}
	t.Error("the watch ended without a word")
}

// A server that has nothing to go on from whenever it has told all is not asked again
// at once.
func TestListsInVainArePaced(t *testing.T) {
	one := entryOf(t, newHost(t), "one")
	var began time.Time
	inVain := func(_ *pb.DirectoryWatch, send func(*pb.DirectoryResponse), stream network.Stream) {
		send(pageResponse(5, 7))
		send(errorResponse(pb.DirectoryErrorCode_DIRECTORY_ERROR_LAGGED))
		_, _ = stream.Read(make([]byte, 1)) // until the client hangs up
	}
	again := func(w *pb.DirectoryWatch, send func(*pb.DirectoryResponse), stream network.Stream) {
		began = time.Now()
		inVain(w, send, stream)
	}
	last := func(_ *pb.DirectoryWatch, send func(*pb.DirectoryResponse), stream network.Stream) {
		if took := time.Since(began); took < 50*time.Millisecond { // three pauses of up to 2 s
			t.Errorf("it lists again three times within %s", took)
		}
		send(pageResponse(5, 7, one))
		_, _ = stream.Read(make([]byte, 1))
	}
	c := startClient(t, infoOf(watched(t, inVain, again, inVain, inVain, last)))
	watch(t, c.Watch(bounded(t), 0)).expect("joined one")
}
