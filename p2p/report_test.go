package p2p

import (
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

func TestReportInWords(t *testing.T) {
	for want, r := range map[string]Report{
		"9 messages, 6 look-ups, 5 hops":                                                   {Messages: 9, Asked: 6, Hops: 5, Hits: 2, Share: 0.9, Stale: 3},
		"messages not counted, 1 hop":                                                      {Messages: 1, AtLeast: true, Asked: 1, Hops: 1, Hits: 1},
		"300 messages, 180 look-ups":                                                       {Messages: 300, Asked: 180, Share: -1},
		"300 messages, 180 look-ups, about 83 % of the overlay covered":                    {Messages: 300, Asked: 180, Share: 0.83},
		"0 messages, 0 look-ups, about 0 % of the overlay covered, 2 peers did not answer": {Unreachable: 2},
		"0 messages, 0 look-ups, 1 peer had promised more than they share":                 {Share: -1, Stale: 1},
	} {
		if got := r.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestReportNeverFalls(t *testing.T) {
	r := newReport(Guided)
	if r.Share != -1 || r.AtLeast {
		t.Errorf("at first %+v", r)
	}
	r.note(nil)
	r.note(&wire.Tally{Messages: 9, Asked: 5, Covered: 40, Known: 100, Fresh: 17, Unreachable: 1, Stale: 2, Trace: []wire.Step{{Peer: "a", Known: 3}}})
	r.note(&wire.Tally{Messages: 4, Asked: 7, Known: 0, Fresh: 9})
	r.note(&wire.Tally{Known: 10, Fresh: 20}) // nonsense
	if r.Messages != 9 || r.Asked != 7 || r.Covered != 40 || r.Share != 0.83 || r.Unreachable != 1 || r.Stale != 2 ||
		len(r.Path) != 1 || r.Path[0] != (Step{Peer: "a", Known: 3}) {
		t.Errorf("%+v", r)
	}
	if !newReport(Flood).AtLeast || !newReport(ExpandingRing).AtLeast {
		t.Error("nobody counts what a flood sends")
	}
}

// A query that the own index has no time for counts as one without a match, and the
// core is told that the node is strained, once in a while.
func TestFullMatchQueue(t *testing.T) {
	d := testDriver()
	d.matches = make(chan overlay.Effect) // nobody reads
	d.busy = true                         // events stay pending
	for range 3 {
		d.carryOut(overlay.Effect{Kind: overlay.Match, GUID: wire.GUID{7}, Query: &wire.Query{Key: "k"}})
	}
	kinds := map[overlay.EventKind]int{}
	for _, e := range d.pending {
		kinds[e.Kind]++
		if e.Kind == overlay.Matched && (e.GUID != wire.GUID{7} || len(e.Items) > 0) {
			t.Errorf("%+v", e)
		}
	}
	if kinds[overlay.Matched] != 3 || kinds[overlay.Strain] != 1 || d.dropped[droppedMatch] != 3 {
		t.Errorf("events %v, %d dropped", kinds, d.dropped[droppedMatch])
	}
}

// The end of a query is told behind its hits, even behind more than fit.
func TestQueryEndIsNotDropped(t *testing.T) {
	var q queries
	a, err := q.open(wire.GUID{1})
	if err != nil {
		t.Fatal(err)
	}
	for range hitQueue {
		if !q.deliver(wire.GUID{1}, wire.Message{}, nil) {
			t.Fatal("dropped")
		}
	}
	if q.deliver(wire.GUID{1}, wire.Message{}, nil) {
		t.Error("no bound")
	}
	q.end(wire.GUID{1}, &wire.Tally{Asked: 3})
	q.end(wire.GUID{1}, nil)
	if end := <-a.ended; end == nil || end.Asked != 3 || len(a.hits) != hitQueue {
		t.Errorf("%+v, %d hits", end, len(a.hits))
	}
	q.close(wire.GUID{1})
	q.end(wire.GUID{1}, nil)
	if !q.deliver(wire.GUID{1}, wire.Message{}, nil) {
		t.Error("a late hit is nobody's fault")
	}
}
