package p2p_test

import (
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// A report counts what a query tried in vain before the walk that brought its hit.
func TestReportCountsEarlierWalks(t *testing.T) {
	node := p2ptest.New(t, 1).Nodes[0]
	relay := newAttacker(t, node)
	l := relay.link(node)
	var report p2p.Report
	var hits []p2p.Hit
	answered := make(chan error, 1)
	go func() {
		q := p2p.Query{Key: "k", Max: 1, Trace: true, Timeout: patience, Report: &report}
		for hit, err := range node.Query(t.Context(), q) {
			if err != nil {
				answered <- err
				return
			}
			hits = append(hits, hit)
		}
		answered <- nil
	}()

	step := []wire.Step{{Peer: wire.PeerID(relay.ID()), Known: 3}}
	l.send(l.Stream, wire.Message{
		Kind: wire.KindReport, GUID: l.next(wire.KindQuery).GUID, Hops: 1, Contact: relay.contact(),
		Tally: &wire.Tally{Messages: 5, Asked: 3, Covered: 40, Known: 100, Fresh: 50, Trace: step},
	})
	l.send(l.Stream, wire.Message{
		Kind: wire.KindHit, GUID: l.next(wire.KindQuery).GUID, Hops: 1, Contact: relay.contact(),
		Items: []wire.Item{{Key: "k", Name: "n"}},
		Tally: &wire.Tally{Messages: 4, Asked: 2, Found: 1, Covered: 20, Trace: step},
	})
	if err := <-answered; err != nil || len(hits) != 1 {
		t.Fatalf("%v, found %+v", err, hits)
	}
	if report.Messages != 9 || report.Asked != 5 || report.Covered != 40 || len(report.Path) != 3 || report.Path[1].Peer != node.ID() || len(hits[0].Path) != 1 {
		t.Errorf("report %+v, path of the hit %+v", report, hits[0].Path)
	}
}
