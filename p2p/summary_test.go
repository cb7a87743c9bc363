package p2p_test

import (
	"bufio"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// link is an attacker's stream that has become a link.
type link struct {
	network.Stream
	attacker
	in *bufio.Reader
}

func (a attacker) link(to *p2p.Node) *link {
	a.t.Helper()
	s := a.hello(to)
	a.send(s, wire.Message{Kind: wire.KindJoin, Contact: a.contact()})
	eventually(a.t, "the attacker is a neighbour", func() bool {
		for _, n := range to.Neighbours() {
			if n.ID == a.ID() {
				return true
			}
		}
		return false
	})
	return &link{s, a, bufio.NewReader(s)}
}

// next waits for a message of that kind, and answers pings meanwhile.
func (l *link) next(kind wire.Kind) wire.Message {
	l.t.Helper()
	for {
		m, err := wire.Read(l.in)
		if err != nil {
			l.t.Fatalf("waiting for kind %d: %v", kind, err)
		}
		if m.Kind == kind {
			return m
		}
		if m.Kind == wire.KindPing {
			l.send(l.Stream, wire.Message{Kind: wire.KindPong, Nonce: m.Nonce})
		}
	}
}

// summary is one of the attacker's own of a key, signed for a network.
func (a attacker) summary(key, network string) *wire.Summary {
	a.t.Helper()
	var b summary.Builder
	b.Add(key, nil)
	s := &wire.Summary{Origin: wire.PeerID(a.ID()), Seq: uint64(time.Now().UnixMilli()), Filter: b.Filter()}
	var err error
	if s.Signature, err = a.Peerstore().PrivKey(a.ID()).Sign(s.ToSign(network, s.Filter)); err != nil {
		a.t.Fatal(err)
	}
	return s
}

func gauge(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no gauge %s", name)
	return 0
}

func TestForgedSummaryCostsTheLink(t *testing.T) {
	registry := prometheus.NewRegistry()
	net := p2ptest.New(t, 0)
	victim := net.Add(p2p.WithMetrics(registry))
	net.Join(victim)
	for name, forge := range map[string]func(*wire.Summary, attacker){
		"not signed":            func(s *wire.Summary, _ attacker) { s.Signature = nil },
		"signature damaged":     func(s *wire.Summary, _ attacker) { s.Signature[5] ^= 1 },
		"for another network":   func(s *wire.Summary, a attacker) { *s = *a.summary("k", "elsewhere") },
		"of another filter":     func(s *wire.Summary, a attacker) { s.Filter = a.summary("other", "x").Filter },
		"of another time":       func(s *wire.Summary, _ attacker) { s.Seq++ },
		"of a leaf":             func(s *wire.Summary, _ attacker) { s.Leaf = true },
		"of a key with no name": func(s *wire.Summary, _ attacker) { s.Origin = "nobody" },
		"of somebody else":      func(s *wire.Summary, a attacker) { s.Origin = wire.PeerID(newAttacker(t, victim).ID()) },
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttacker(t, victim)
			l := a.link(victim)
			s := a.summary("k", victim.Network())
			forge(s, a)
			l.send(l.Stream, wire.Message{Kind: wire.KindSummary, Summary: s})
			ends(t, l.Stream)
			if n := gauge(t, registry, "grapevine_summaries"); n != 0 {
				t.Errorf("%v summaries are known", n)
			}
		})
	}
	a := newAttacker(t, victim)
	l := a.link(victim)
	l.send(l.Stream, wire.Message{Kind: wire.KindSummary, Summary: a.summary("k", victim.Network())})
	eventually(t, "an honest one is known", func() bool { return gauge(t, registry, "grapevine_summaries") == 1 })
}

// growing is an index that gets its item later.
type growing struct{ items atomic.Pointer[p2p.Items] }

func (g *growing) now() p2p.Items {
	if items := g.items.Load(); items != nil {
		return *items
	}
	return nil
}

func (g *growing) Match(q p2p.Query) []p2p.Item { return g.now().Match(q) }

func (g *growing) Entries() iter.Seq[p2p.Entry] { return g.now().Entries() }

// Neighbours are told, under the node's signature, what an index has got since.
func TestReindex(t *testing.T) {
	net := p2ptest.New(t, 1)
	node := net.Nodes[0]
	var index growing
	defer node.Share(&index)()
	l := newAttacker(t, node).link(node)
	index.items.Store(&p2p.Items{{Key: "new", Name: "Férias em Évora"}})
	for range 1000 {
		node.Reindex() // as often as anybody likes
	}
	s := l.next(wire.KindSummary).Summary
	f, err := s.Resolve(nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []*summary.Pattern{summary.For("new", nil), summary.For("", []string{"férias", "évora"})} {
		if !f.Matches(p) {
			t.Errorf("the summary does not match %+v", p)
		}
	}
	if f.Matches(summary.For("old", nil)) {
		t.Error("the summary matches anything")
	}
	key, err := node.ID().ExtractPublicKey()
	if err != nil {
		t.Fatal(err)
	}
	if good, err := key.Verify(s.ToSign(node.Network(), f), s.Signature); !good || err != nil {
		t.Errorf("signature: %v, %v", good, err)
	}
}

// A node that others cannot reach says that it is a leaf.
func TestUnreachableNodeIsALeaf(t *testing.T) {
	net := p2ptest.New(t, 1)
	node := net.Nodes[0]
	defer node.Share(p2p.Items{{Key: "k", Name: "n"}})()
	if s := newAttacker(t, node).link(node).next(wire.KindSummary).Summary; s.Leaf {
		t.Error("it is a leaf before anybody tried to reach it")
	}
	emitter, err := node.Host().EventBus().Emitter(new(event.EvtLocalReachabilityChanged))
	if err != nil {
		t.Fatal(err)
	}
	defer emitter.Close()
	for _, change := range []struct {
		reachable network.Reachability
		leaf      bool
	}{
		{network.ReachabilityUnknown, false},
		{network.ReachabilityPrivate, true},
		{network.ReachabilityUnknown, true},
		{network.ReachabilityPublic, false},
	} {
		if err := emitter.Emit(event.EvtLocalReachabilityChanged{Reachability: change.reachable}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the node says what it is", func() bool {
			a := newAttacker(t, node)
			defer a.Close()
			s := a.hello(node)
			a.send(s, wire.Message{Kind: wire.KindNeighbour, Flag: true})
			in := oneByte{s}
			for {
				m, err := wire.Read(in)
				if err != nil {
					return false
				}
				if m.Kind == wire.KindNeighbourReply {
					return m.Flag != change.leaf // a leaf takes nobody in
				}
			}
		})
	}
}

// What only a newer version can say is counted, and costs nothing.
func TestUnknownMessageIsIgnored(t *testing.T) {
	registry := prometheus.NewRegistry()
	net := p2ptest.New(t, 0)
	victim := net.Add(p2p.WithMetrics(registry))
	net.Join(victim)
	l := newAttacker(t, victim).link(victim)
	if _, err := l.Write([]byte{3, 0xfa, 0x3f, 0}); err != nil { // an empty body, number 1023
		t.Fatal(err)
	}
	l.send(l.Stream, wire.Message{Kind: wire.KindPing, Nonce: 5})
	if m := l.next(wire.KindPong); m.Nonce != 5 {
		t.Errorf("pong %d", m.Nonce)
	}
	if n := counter(t, registry, "grapevine_dropped_unknown_total"); n != 1 {
		t.Errorf("%v messages were ignored", n)
	}
}

// A hit that comes straight from a peer is about that peer.
func TestForgedDirectHit(t *testing.T) {
	victim := p2ptest.New(t, 1).Nodes[0]
	relay := newAttacker(t, victim)
	l := relay.link(victim)
	forger, holder := newAttacker(t, victim), newAttacker(t, victim)
	forged, honest := forger.hello(victim), holder.hello(victim)
	hits := make(chan p2p.Hit, 10)
	go func() {
		defer close(hits)
		for hit, err := range victim.Query(t.Context(), p2p.Query{Key: "k", Max: 1, Timeout: patience}) {
			if err == nil {
				hits <- hit
			}
		}
	}()
	hit := wire.Message{
		Kind: wire.KindHit, GUID: l.next(wire.KindQuery).GUID, Hops: 2, Contact: holder.contact(),
		Items: []wire.Item{{Key: "k", Name: "forged"}},
	}
	forger.send(forged, hit)
	ends(t, forged)
	hit.Items[0].Name = "honest"
	holder.send(honest, hit)
	found := 0
	for h := range hits {
		if h.Item.Name != "honest" || h.From.ID != holder.ID() {
			t.Errorf("found %+v", h)
		}
		found++
	}
	if found != 1 {
		t.Errorf("%d direct hits were taken", found)
	}
}
