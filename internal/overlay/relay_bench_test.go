package overlay

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// relay is a core with as many neighbours as degree says, at an instant.
type relay struct {
	core   *Core
	now    time.Time
	peers  []wire.Contact // relays, then leaves
	relays int
	count  uint64
}

func newRelay(t testing.TB, degree int) *relay {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Degree, cfg.MaxDegree = degree, degree
	core, err := New(cfg, "me", rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{core: core, now: time.Unix(1e9, 0), relays: degree}
	for range degree {
		r.link(false)
	}
	return r
}

// link makes one more neighbour.
func (r *relay) link(leaf bool) wire.PeerID {
	i := len(r.peers)
	r.peers = append(r.peers, wire.Contact{Peer: peerOf(i)})
	r.receive(i, wire.Message{Kind: wire.KindNeighbour, Leaf: leaf})
	return r.peers[i].Peer
}

func peerOf(i int) wire.PeerID { return wire.PeerID(fmt.Sprintf("\x00\x24\x08\x01\x12\x20%032d", i)) }

// withLeaves gives the relay all the leaves that it may have, of which none can
// answer what the benchmarks ask.
func (r *relay) withLeaves() *relay {
	for range MaxLeaves {
		r.tell(len(r.peers), r.link(true), sharing(0, 10))
	}
	return r
}

// tell has a neighbour tell a summary.
func (r *relay) tell(from int, origin wire.PeerID, f *summary.Filter) {
	s := &wire.Summary{Origin: origin, Seq: 1, Filter: f}
	r.receive(from, wire.Message{Kind: wire.KindSummary, Summary: s})
}

// knowing gives the relay 577 origins within two links, with 1,000 keys each.
func (r *relay) knowing() *relay {
	const origins = 577
	filters := make([]*summary.Filter, 32) // more would only take time to make
	for i := range filters {
		filters[i] = sharing(1000*i, 1000)
	}
	for i := range origins {
		if i < r.relays {
			r.tell(i, r.peers[i].Peer, filters[i%len(filters)])
			continue
		}
		for _, from := range []int{i, i / r.relays} {
			r.tell(from%r.relays, peerOf(1000+i), filters[i%len(filters)])
		}
	}
	return r
}

// sharing returns the filter of an index with so many keys.
func sharing(from, keys int) *summary.Filter {
	var b summary.Builder
	for i := range keys {
		b.Add(fmt.Sprint("key", from+i), nil)
	}
	return b.Filter()
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
	first := int(r.count) % r.relays
	sent = len(r.receive(first, m)) - 1 // one is Match
	for i := range r.relays {
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

// BenchmarkRelayBesideLeaves is the same with 16 leaves, none of which may answer.
func BenchmarkRelayBesideLeaves(b *testing.B) {
	r, q := newRelay(b, 24).withLeaves(), &wire.Query{Words: []string{"holiday", "photos"}, Max: 10}
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

// BenchmarkWalk is what one walk costs a node that knows 577 origins, none of which
// has what it looks for: it comes, is looked up, tested, and goes on.
func BenchmarkWalk(b *testing.B) {
	for _, c := range []struct {
		name string
		walk wire.Walk
	}{
		{"scout", wire.Walk{Kind: wire.WalkGuided}},
		{"walker", wire.Walk{Kind: wire.WalkGuided, Seen: make([]byte, SmallSeen)}},
		{"survey", wire.Walk{Kind: wire.WalkSurvey, Seen: make([]byte, wire.MaxSeen)}},
		{"random", wire.Walk{Kind: wire.WalkRandom}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r, q := newRelay(b, 24).knowing(), &wire.Query{Key: "absent", Max: 1}
			if n := r.core.Origins(); n != 577 {
				b.Fatalf("%d origins", n)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.now = r.now.Add(time.Second / 10)
				m := r.next(&c.walk, 1)
				m.Query, m.TTL = q, 12
				r.receive(int(r.count)%24, m)
				if sent := len(r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID})); sent != 1 {
					b.Fatalf("sent %d", sent)
				}
			}
		})
	}
}

// BenchmarkSummary is what a change of one neighbour's summary costs: one key more
// among 1,000, taken in and passed on to 23 others.
func BenchmarkSummary(b *testing.B) {
	r := newRelay(b, 24).knowing()
	before, after := sharing(0, 1000), sharing(0, 1001)
	deltas := [][]byte{before.Delta(after), after.Delta(before)}
	seq := uint64(1)
	r.tell(0, r.peers[0].Peer, before)
	b.ReportMetric(float64(len(deltas[0])), "B/delta")
	b.ReportAllocs()
	for b.Loop() {
		r.now = r.now.Add(PublishLeast)
		s := &wire.Summary{Origin: r.peers[0].Peer, Seq: seq + 1, Base: seq, Delta: deltas[(seq+1)%2]}
		seq++
		if sent := len(r.receive(0, wire.Message{Kind: wire.KindSummary, Summary: s})); sent != 23 {
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
