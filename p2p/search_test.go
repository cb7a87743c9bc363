package p2p_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

func every() []p2p.Strategy {
	return []p2p.Strategy{p2p.Guided, p2p.Exhaustive, p2p.Flood, p2p.ExpandingRing, p2p.RandomWalk}
}

func TestStrategyNames(t *testing.T) {
	for _, s := range every() {
		if got, err := p2p.ParseStrategy(s.String()); got != s || err != nil {
			t.Errorf("%q is %v, %v", s, got, err)
		}
	}
	if _, err := p2p.ParseStrategy("unknown"); err == nil {
		t.Error("there is no strategy unknown")
	}
}

// Whoever asks finds by one word, by two and by three, in scripts with spaces and
// without, whatever way the query travels.
func TestEachStrategyFinds(t *testing.T) {
	net := p2ptest.New(t, 6, p2p.WithDegree(2))
	holder := net.Nodes[4]
	defer holder.Share(p2p.Items{
		{Key: "1", Name: "Férias em Évora 2026.zip"},
		{Key: "2", Name: "桜の写真集.jpg"},
		{Key: "3", Name: "summer holiday photos at the beach.zip"},
	})()
	for _, s := range every() {
		t.Run(s.String(), func(t *testing.T) {
			for words, want := range map[string]p2p.Key{
				"évora":                "1",
				"FÉRIAS évora":         "1",
				"evora":                "",
				"写真":                   "2",
				"写":                    "2",
				"桜の写真集":                "2",
				"写真集 jpg":              "2",
				"beach":                "3",
				"photos beach":         "3",
				"photos, beach summer": "3",
			} {
				q := p2p.Query{Words: []string{words}, Max: 1, Strategy: s, Timeout: 2 * time.Second}
				if want == "" {
					q.Timeout = 200 * time.Millisecond
					if hits := collect(t, net.Nodes[1], q); len(hits) > 0 {
						t.Errorf("%q: %+v", words, hits)
					}
					continue
				}
				hit := settled(t, net.Nodes[1], q, 1)[0]
				if hit.Item.Key != want || hit.From.ID != holder.ID() || hit.Hops < 1 {
					t.Errorf("%q: %+v", words, hit)
				}
			}
		})
	}
}

// A query tells what it cost and by whom it came. In a ring of six the holder is three
// links off.
func TestReport(t *testing.T) {
	net := p2ptest.New(t, 6, p2p.WithDegree(2))
	eventually(t, "the ring is closed", func() bool {
		return !slices.ContainsFunc(net.Nodes, func(n *p2p.Node) bool { return len(n.Neighbours()) != 2 })
	})
	asker := net.Nodes[0]
	near := neighbours(net, asker.ID())
	var holder *p2p.Node // the one that is no neighbour, and has no neighbour that is one
	for _, n := range net.Nodes {
		if n != asker && !slices.Contains(near, n.ID()) &&
			!slices.ContainsFunc(neighbours(net, n.ID()), func(p peer.ID) bool { return slices.Contains(near, p) }) {
			holder = n
		}
	}
	if holder == nil {
		t.Skip("the six are no ring")
	}
	defer holder.Share(p2p.Items{{Key: "k", Name: "n"}})()
	for _, s := range every() {
		var report p2p.Report
		hit := settled(t, asker, p2p.Query{Key: "k", Max: 1, Strategy: s, Trace: true, Report: &report, Timeout: 5 * time.Second}, 1)[0]
		if hit.Hops < 3 || len(hit.Path) != hit.Hops {
			t.Errorf("%v: %d hops by %+v", s, hit.Hops, hit.Path)
			continue
		}
		last := hit.Path[len(hit.Path)-1]
		if !slices.Contains(near, hit.Path[0].Peer) || last.Peer != holder.ID() || last.Found != 1 {
			t.Errorf("%v: path %+v", s, hit.Path)
		}
		for i := 1; i < len(hit.Path); i++ {
			if !slices.Contains(neighbours(net, hit.Path[i-1].Peer), hit.Path[i].Peer) {
				t.Errorf("%v: step %d of %+v is between strangers", s, i, hit.Path)
			}
		}
		if report.Strategy != s || report.Hits != 1 || report.Hops != hit.Hops || report.FirstHit != hit.RTT ||
			report.Took < report.FirstHit || report.Messages < hit.Hops || len(report.Path) < len(hit.Path) ||
			report.AtLeast != (s == p2p.Flood || s == p2p.ExpandingRing) {
			t.Errorf("%v: report %+v", s, report)
		}
	}
}

// A miss tells what it is worth.
func TestReportOfAMiss(t *testing.T) {
	net := p2ptest.New(t, 4)
	for i, n := range net.Nodes {
		defer n.Share(p2p.Items{{Key: "k", Name: strings.Repeat("x", i+1)}})()
	}
	settled(t, net.Nodes[0], p2p.Query{Key: "k"}, len(net.Nodes))
	var report p2p.Report
	q := p2p.Query{Key: "absent", Strategy: p2p.Exhaustive, Report: &report}
	if hits := collect(t, net.Nodes[0], q); len(hits) > 0 || report.Hits != 0 || report.FirstHit != 0 || report.Took <= 0 {
		t.Errorf("%v, %+v", hits, report)
	}
	if report.Share > 1 || report.Share < 0 && report.Share != -1 || report.Strategy != p2p.Exhaustive || report.AtLeast {
		t.Errorf("%+v", report)
	}
	if !strings.Contains(report.String(), "asked") {
		t.Errorf("%q", report.String())
	}
}

// A hit that is rejected does not count.
func TestReject(t *testing.T) {
	net := p2ptest.New(t, 3)
	for i, n := range net.Nodes[1:] {
		defer n.Share(p2p.Items{{Key: "k", Name: strings.Repeat("x", i+1)}})()
	}
	settled(t, net.Nodes[0], p2p.Query{Key: "k", Max: 2}, 2)
	eventually(t, "the other one is found instead", func() bool {
		var report p2p.Report
		var good []p2p.Hit
		for hit, err := range net.Nodes[0].Query(t.Context(), p2p.Query{Key: "k", Max: 1, Report: &report}) {
			if err != nil {
				t.Fatal(err)
			}
			if len(hit.Item.Name) == 1 {
				net.Nodes[0].Reject(hit)
				net.Nodes[0].Reject(hit) // counts once
				continue
			}
			good = append(good, hit)
		}
		if len(good) > 1 || report.Hits != len(good) {
			t.Fatalf("%d good hits, %+v", len(good), report)
		}
		return len(good) == 1
	})
}

// A leaf is found, and asks, and carries nothing.
func TestLeaf(t *testing.T) {
	registry := prometheus.NewRegistry()
	net := p2ptest.New(t, 3)
	leaf := net.Add(p2p.WithLeaf(), p2p.WithMetrics(registry))
	net.Join(leaf)
	for i, n := range net.Nodes {
		defer n.Share(p2p.Items{{Key: "k", Name: strings.Repeat("x", i+1)}})()
	}
	for _, s := range every() {
		want := len(net.Nodes)
		if s == p2p.RandomWalk {
			want-- // it looks at no summary, and walks over no leaf
		}
		for _, n := range net.Nodes[:3] {
			settled(t, n, p2p.Query{Key: "k", Max: want, Strategy: s, Timeout: 2 * time.Second}, want)
		}
	}
	if n := counter(t, registry, "grapevine_queries_answered_total"); n == 0 {
		t.Error("the leaf was not asked")
	}
	for _, name := range []string{"grapevine_queries_forwarded_total", "grapevine_hits_relayed_total"} {
		if n := counter(t, registry, name); n != 0 {
			t.Errorf("%s of a leaf is %v", name, n)
		}
	}
	settled(t, leaf, p2p.Query{Key: "k", Max: len(net.Nodes)}, len(net.Nodes))
}

func neighbours(net *p2ptest.Network, of peer.ID) (ids []peer.ID) {
	for _, n := range net.Nodes {
		if n.ID() == of {
			for _, nb := range n.Neighbours() {
				ids = append(ids, nb.ID)
			}
		}
	}
	return ids
}
