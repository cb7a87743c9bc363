package overlay

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// relay is a core with as many neighbours as degree says, at an instant.
type relay struct {
	core  *Core
	now   time.Time
	peers []wire.Contact
	count uint64
}

func newRelay(t testing.TB, degree int) *relay {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Degree, cfg.MaxDegree = degree, degree
	core, err := New(cfg, "me", rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{core: core, now: time.Unix(1e9, 0)}
	for i := range degree {
		r.peers = append(r.peers, wire.Contact{Peer: wire.PeerID(fmt.Sprintf("\x00\x24\x08\x01\x12\x20%032d", i))})
		r.receive(i, wire.Message{Kind: wire.KindNeighbour})
	}
	return r
}

func (r *relay) receive(from int, m wire.Message) []Effect {
	return r.core.Handle(r.now, Event{Kind: Received, Peer: r.peers[from].Peer, Peers: r.peers[from : from+1], Msg: m})
}

// query sends the core a new query from one neighbour, and if all is set the same
// one from all others, as a flood does. Time goes on so that no limit is met.
func (r *relay) query(q *wire.Query, all bool) (sent int) {
	r.count++
	r.now = r.now.Add(time.Second / 10)
	m := wire.Message{Kind: wire.KindQuery, Query: q, TTL: 5, Hops: 1}
	binary.LittleEndian.PutUint64(m.GUID[:], r.count)
	first := int(r.count) % len(r.peers)
	sent = len(r.receive(first, m)) - 1 // one is Match
	for i := range r.peers {
		if all && i != first {
			sent += len(r.receive(i, m))
		}
	}
	return sent
}

// BenchmarkRelay is what one flooded query costs a node with 24 neighbours: it
// comes once and goes out 23 times.
func BenchmarkRelay(b *testing.B) {
	r, q := newRelay(b, 24), &wire.Query{Words: []string{"holiday", "photos"}, Max: 10}
	b.ReportAllocs()
	for b.Loop() {
		if sent := r.query(q, false); sent != 23 {
			b.Fatalf("sent %d", sent)
		}
	}
}

// BenchmarkFlood is the same with the 23 duplicates that come from the others.
func BenchmarkFlood(b *testing.B) {
	r, q := newRelay(b, 24), &wire.Query{Words: []string{"holiday", "photos"}, Max: 10}
	b.ReportAllocs()
	for b.Loop() {
		if sent := r.query(q, true); sent != 23 {
			b.Fatalf("sent %d", sent)
		}
	}
}

// TestRelayAllocatesNothing holds the hot path to no allocation once its tables
// have grown.
func TestRelayAllocatesNothing(t *testing.T) {
	r, q := newRelay(t, 24), &wire.Query{Words: []string{"holiday"}, Max: 10}
	for range 20_000 {
		r.query(q, true)
	}
	if n := testing.AllocsPerRun(1000, func() { r.query(q, true) }); n != 0 {
		t.Errorf("relaying a query allocates %v times", n)
	}
}
