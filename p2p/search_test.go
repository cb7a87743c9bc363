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
	net := p2ptest.New(t, 6)
	meshed(t, net)
	holder := net.Nodes[4]
	defer holder.Share(p2p.Items{
		{Key: "1", Name: "Férias em Évora 2026.zip"},
		{Key: "2", Name: "桜の写真集.jpg"},
		{Key: "3", Name: "summer holiday photos at the beach.zip"},
	})()
	turn := time.NewTicker(500 * time.Millisecond)
	defer turn.Stop()
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
				q := p2p.Query{Words: []string{words}, Strategy: s}
				if want == "" {
					q.Timeout = 200 * time.Millisecond
					if hits := collect(t, net.Nodes[1], q); len(hits) > 0 {
						t.Errorf("%q: %+v", words, hits)
					}
					continue
				}
				if s == p2p.RandomWalk {
					<-turn.C // its walkers would use up the links' rates
				}
				hit := finds(t, net.Nodes[1], q)
				if hit.Item.Key != want || hit.From.ID != holder.ID() || hit.Hops < 1 {
					t.Errorf("%q: %+v", words, hit)
				}
			}
		})
	}
}

// A query tells what it cost and by whom it came. The holder is three links off.
func TestReport(t *testing.T) {
	nodes := joined(t, line(t, 4))
	asker, holder := nodes[0], nodes[3]
	defer holder.Share(p2p.Items{{Key: "k", Name: "n"}})()
	for _, s := range every() {
		var report p2p.Report
		hit := finds(t, asker, p2p.Query{Key: "k", Strategy: s, Trace: true, Report: &report})
		var path []peer.ID
		for _, step := range hit.Path {
			path = append(path, step.Peer)
		}
		if hit.Hops != 3 || !slices.Equal(path, []peer.ID{nodes[1].ID(), nodes[2].ID(), holder.ID()}) || hit.Path[2].Found != 1 {
			t.Errorf("%v: %d hops by %+v", s, hit.Hops, hit.Path)
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
	meshed(t, net)
	var report p2p.Report
	q := p2p.Query{Key: "absent", Strategy: p2p.Exhaustive, Report: &report}
	if hits := collect(t, net.Nodes[0], q); len(hits) > 0 || report.Hits != 0 || report.FirstHit != 0 || report.Took <= 0 {
		t.Errorf("%v, %+v", hits, report)
	}
	if report.Share > 1 || report.Share < 0 && report.Share != -1 || report.Strategy != p2p.Exhaustive || report.AtLeast {
		t.Errorf("%+v", report)
	}
	if !strings.Contains(report.String(), "look-up") {
		t.Errorf("%q", report.String())
	}
}

// A hit that is rejected does not count.
func TestReject(t *testing.T) {
	net := p2ptest.New(t, 3)
	for i, n := range net.Nodes[1:] {
		defer n.Share(p2p.Items{{Key: "k", Name: strings.Repeat("x", i+1)}})()
	}
	asker := net.Nodes[0]
	findsAll(t, asker, p2p.Query{Key: "k"}, 2)
	var report p2p.Report
	var good []p2p.Hit
	for hit, err := range asker.Query(t.Context(), p2p.Query{Key: "k", Max: 1, Report: &report, Timeout: patience}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(hit.Item.Name) == 1 {
			asker.Reject(hit)
			asker.Reject(hit) // counts once
			continue
		}
		good = append(good, hit)
	}
	if len(good) != 1 || report.Hits != 1 {
		t.Errorf("%d good hits, %+v", len(good), report)
	}
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
	for _, n := range net.Nodes[:3] {
		finds(t, n, p2p.Query{Words: []string{"xxxx"}}) // the leaf's: its summary is known
	}
	for _, s := range every() {
		want := len(net.Nodes)
		if s == p2p.RandomWalk {
			want-- // it looks at no summary, and walks over no leaf
		}
		for _, n := range net.Nodes[:3] {
			findsAll(t, n, p2p.Query{Key: "k", Strategy: s}, want)
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
	findsAll(t, leaf, p2p.Query{Key: "k"}, len(net.Nodes))
}
