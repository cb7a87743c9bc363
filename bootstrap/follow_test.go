package bootstrap

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// wordOf is the signed word of a peer of the tests about a name of its.
func wordOf(t testing.TB, peer byte, name string, seq uint64, change ...func(*claim)) []byte {
	t.Helper()
	key, id := testKey(t, peer)
	c := &claim{
		particulars: &particulars{},
		network:     unique.Make(wire.DefaultNetwork), name: name, peer: id, seq: seq,
		expires: secondOf(time.Now().Add(time.Hour)),
	}
	for _, f := range change {
		f(c)
	}
	data, err := c.seal(key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func givenUp(c *claim) { c.removed = true }

// aliceAt registers alice at a server, and returns the revision from which changes are
// looked for.
func aliceAt(t *testing.T, s *Server) (c *claim, from uint64) {
	t.Helper()
	c, err := openClaim(wordOf(t, 1, "alice", 1), s.Network, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.apply([]*write{{claim: c}})
	return c, s.journal.now()
}

// A fellow's word of a removal may be the first that is heard after a lease has ended:
// whatever becomes of the one, watchers and the store hear of the other.
func TestRemovalsElsewhereShowWhatEnded(t *testing.T) {
	for name, remove := range map[string]func(*claim){
		"of what is not here": func(c *claim) { c.name = "bob" },
		"of what has ended":   func(c *claim) { c.seq = 2 },
		"from before":         func(c *claim) { c.seq = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := quietServer(t)
			c, from := aliceAt(t, s)
			endLease(s, leaseID{c.peer, c.key})
			s.heard(t.Context(), "fellow", &pb.DirectoryChange{
				Kind:  pb.DirectoryChangeKind(Left),
				Entry: &pb.DirectoryEntry{Record: wordOf(t, 1, "alice", 1, givenUp, remove)},
			})
			changes, _, err := s.journal.after(from, 10)
			if err != nil || count(changes, Expired) != 1 {
				t.Errorf("watchers hear of %v, %v", changes, err)
			}
			if len(s.writes) == 0 {
				t.Fatal("the writer does not")
			}
			s.apply([]*write{<-s.writes})
			if kept := storedLeases(t, s.Store); len(kept) != 0 {
				t.Errorf("%d leases are still stored", len(kept))
			}
		})
	}
}

// What an owner says elsewhere when it leaves is kept in little room, and passed on whole.
func TestRemovalsElsewhereAreKeptSlim(t *testing.T) {
	s := quietServer(t)
	_, from := aliceAt(t, s)
	word := wordOf(t, 1, "alice", 2, givenUp)
	s.heard(t.Context(), "fellow", &pb.DirectoryChange{
		Kind:  pb.DirectoryChangeKind(Left),
		Entry: &pb.DirectoryEntry{Record: word},
	})
	changes, _, err := s.journal.after(from, 10)
	if err != nil || count(changes, Left) != 1 {
		t.Fatalf("watchers hear of %v, %v", changes, err)
	}
	if removal := changes[0].removal; removal.particulars != nil || !bytes.Equal(removal.envelope(), word) {
		t.Errorf("it is kept as %+v", removal)
	}
}

// onceHost reaches a fellow once, that tells of nobody and is alive.
type onceHost struct {
	host.Host
	reached bool
}

func (h *onceHost) Peerstore() peerstore.Peerstore { return nowhere{} }

func (h *onceHost) NewStream(context.Context, peer.ID, ...protocol.ID) (network.Stream, error) {
	if h.reached {
		return nil, errors.New("nobody is there")
	}
	h.reached = true
	here, there := net.Pipe()
	go func() {
		err := wire.ReadFrame(bufio.NewReader(there), maxRequest, new(pb.DirectoryRequest))
		resp := &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Page{Page: &pb.DirectoryPage{Last: true}}}
		for err == nil {
			err = wire.WriteFrame(there, maxResponse, resp)
			resp = &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Change{Change: &pb.DirectoryChange{}}}
			<-time.After(aliveInterval)
		}
	}()
	return &pipeStream{pipe: here}, nil
}

// nowhere keeps no addresses.
type nowhere struct{ peerstore.Peerstore }

func (nowhere) AddAddrs(peer.ID, []ma.Multiaddr, time.Duration) {}

type pipeStream struct {
	network.Stream
	pipe net.Conn
}

func (s *pipeStream) Read(p []byte) (int, error)         { return s.pipe.Read(p) }
func (s *pipeStream) Write(p []byte) (int, error)        { return s.pipe.Write(p) }
func (s *pipeStream) Reset() error                       { return s.pipe.Close() }
func (s *pipeStream) SetReadDeadline(t time.Time) error  { return s.pipe.SetReadDeadline(t) }
func (s *pipeStream) SetWriteDeadline(t time.Time) error { return s.pipe.SetWriteDeadline(t) }

// That a fellow is lost is said once, when it is not there to be heard anew.
func TestLostWhenHeardAnewIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, said := quiet(t, 0), new(bytes.Buffer)
		s.Host, s.log = &onceHost{}, slog.New(slog.NewTextHandler(said, nil))
		s.wake = make(chan struct{}, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 2*relistInterval)
		defer cancel()
		s.follow(ctx, "fellow")
		s.wg.Wait()
		if n := strings.Count(said.String(), "is lost"); n != 1 {
			t.Errorf("it is said %d times:\n%s", n, said)
		}
	})
}
