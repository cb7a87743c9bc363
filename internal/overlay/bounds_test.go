package overlay

import (
	"fmt"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestRoutesAreBounded: by number and by time.
func TestRoutesAreBounded(t *testing.T) {
	r := newRelay(t, 24)
	var first wire.GUID
	for i := range MaxRoutes + MaxRoutes/2 {
		r.now = r.now.Add(time.Second / 240)
		m := r.next(nil, 1)
		m.TTL = 1
		if r.receive(i%24, m); i == 0 {
			first = m.GUID
		}
	}
	if n := r.core.routes.len(); n > MaxRoutes || n < MaxRoutes/4 {
		t.Errorf("%d routes", n)
	}
	if r.core.routes.find(r.core.now, first) != nil {
		t.Error("the first route is still there")
	}
	r.now = r.now.Add(RouteLife)
	r.core.Handle(r.now, Event{Kind: Matched, GUID: first})
	if n := r.core.routes.len(); n != 0 {
		t.Errorf("%d routes outlived their time", n)
	}
}

// TestWalksThatNobodyTakesAreBounded: neither look-ups that are never answered nor
// walks that are never acknowledged pile up.
func TestWalksThatNobodyTakesAreBounded(t *testing.T) {
	for _, answered := range []bool{false, true} {
		r := newRelay(t, 24)
		r.now = r.now.Add(2 * FreshFor)                                 // those that say nothing have to acknowledge
		r.core.queryLimit = limit{every: time.Millisecond, burst: 5000} // or other limits would be met first
		senders := 24
		if answered {
			senders = 12
		}
		for i := range 2 * MaxCarried {
			m := r.next(&wire.Walk{Kind: wire.WalkGuided, Target: r.peers[23-i%12].Peer, Careful: true}, 1)
			m.Nonce = 1
			for _, e := range append([]Effect(nil), r.receive(i%senders, m)...) {
				if e.Kind == Match && answered {
					r.core.Handle(r.now, Event{Kind: Matched, GUID: e.GUID})
				}
			}
		}
		if len(r.core.looking) > MaxCarried || len(r.core.custodies) > MaxCarried {
			t.Errorf("%d looked up, %d not acknowledged", len(r.core.looking), len(r.core.custodies))
		}
		if answered == (len(r.core.looking) > 0) || len(r.core.custodies) == 0 {
			t.Errorf("%d looked up, %d not acknowledged: that tests nothing", len(r.core.looking), len(r.core.custodies))
		}
		for range MaxLost + 2 {
			r.now = r.now.Add(MaxAckWait)
			r.core.Handle(r.now, Event{Kind: Tick})
			if n := len(r.core.late); n > MaxLate {
				t.Errorf("%d are remembered that went on elsewhere", n)
			}
		}
		if n := len(r.core.custodies); n != 0 {
			t.Errorf("%d not acknowledged long after", n)
		}
	}
}

func TestSearchesAreBounded(t *testing.T) {
	r := newRelay(t, 24)
	for i := range MaxSearches + 10 {
		guid := wire.GUID{0: byte(i), 1: byte(i >> 8)}
		r.core.Handle(r.now, Event{Kind: Ask, GUID: guid, Query: &wire.Query{Words: []string{"pear"}, Max: 1}, Strategy: Exhaustive})
	}
	if n := r.core.Stats().QueriesUnasked; len(r.core.searches) != MaxSearches || n != 10 {
		t.Errorf("%d searches, %d dropped", len(r.core.searches), n)
	}
	for range 2000 { // each gets its turn and comes to its end
		r.now = r.core.Next()
		r.core.Handle(r.now, Event{Kind: Tick})
	}
	if len(r.core.searches) != 0 {
		t.Errorf("%d searches without an end", len(r.core.searches))
	}
}

// TestAttemptsAreBounded: a search that nobody answers has an end, however long it may
// take, and no attempt takes the number of a side probe.
func TestAttemptsAreBounded(t *testing.T) {
	r := newRelay(t, 24)
	attempts := map[byte]bool{}
	count := func(effects []Effect) (done bool) {
		for _, e := range effects {
			if e.Kind == Send && e.Msg.Kind == wire.KindQuery {
				_, number, _ := r.core.Attempt(e.Msg.GUID)
				attempts[number] = true
			}
			done = done || e.Kind == Done
		}
		return done
	}
	ask := Event{Kind: Ask, Query: &wire.Query{Key: "absent", Max: 1}, Strategy: RandomWalk, Within: 24 * time.Hour}
	for done := count(r.core.Handle(r.now, ask)); !done; {
		if r.now = r.core.Next(); r.now.After(time.Unix(1e9, 0).Add(time.Hour)) {
			t.Fatal("still at it after an hour")
		}
		done = count(r.core.Handle(r.now, Event{Kind: Tick}))
		for i := range r.peers {
			r.receive(i, wire.Message{Kind: wire.KindPong})
		}
	}
	if len(attempts) != MaxAttempts || attempts[0] || attempts[sideAttempt] {
		t.Errorf("%d attempts", len(attempts))
	}
}

// TestOneWalkIsFewMessages: whatever it wants, however many origins match.
func TestOneWalkIsFewMessages(t *testing.T) {
	for kind, most := range map[wire.WalkKind]int{
		wire.WalkProbe: 1, wire.WalkGuided: MaxProbes, wire.WalkSurvey: MaxSurveyProbes + 1, wire.WalkRandom: 1,
	} {
		r := newRelay(t, 24)
		pear := filterOf([]string{"pear"})
		for i := range r.peers {
			for j := range 8 {
				r.receive(i, wire.Message{Kind: wire.KindSummary, Summary: &wire.Summary{Origin: wire.PeerID(fmt.Sprint(i, "/", j)), Seq: 1, Filter: pear}})
			}
		}
		m := r.next(&wire.Walk{Kind: kind, Target: "1/1"}, 200)
		if kind != wire.WalkProbe {
			m.Walk.Target = ""
		}
		sent := len(r.receive(0, m))
		if kind != wire.WalkProbe {
			sent = len(r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID}))
		}
		if sent > most || sent == 0 {
			t.Errorf("a walk of kind %d makes %d messages", kind, sent)
		}
	}
}

// TestFewCannotFillTheState: links that lead to full summaries, alone or two to each,
// leave room for what others tell.
func TestFewCannotFillTheState(t *testing.T) {
	var full summary.Builder
	for i := range 36_000 {
		full.Add(fmt.Sprint("key", i), nil)
	}
	for _, together := range []int{1, 2} {
		const greedy, honest = 8, 4
		r := newRelay(t, greedy+honest)
		big := full.Filter()
		tell := func(seq uint64) {
			for i := range MaxLinks {
				for from := range greedy {
					r.now = r.now.Add(SummaryEvery)
					s := &wire.Summary{Origin: wire.PeerID(fmt.Sprint("full", from/together, "/", i)), Seq: seq, Filter: big}
					r.receive(from, wire.Message{Kind: wire.KindSummary, Summary: s})
				}
			}
		}
		tell(1)
		for from := greedy; from < greedy+honest; from++ {
			for i := range MaxLinks / 2 {
				r.tell(from, wire.PeerID(fmt.Sprint("small", from, "/", i)), filterOf([]string{"pear"}))
			}
		}
		tell(1)
		tell(2)
		small := 0
		for i := range r.core.origins.all {
			if o := &r.core.origins.all[i]; o.peer != "" && o.peer[0] == 's' {
				small++
			}
		}
		if small != honest*MaxLinks/2 {
			t.Errorf("%d to each: %d of %d honest summaries are known", together, small, honest*MaxLinks/2)
		}
		if n := r.core.origins.bank.Bytes(); n > MaxStateBytes || n < MaxStateBytes*9/10 {
			t.Errorf("%d to each: %d bytes of summaries, at most %d", together, n, MaxStateBytes)
		}
		if r.core.stats.SummariesEvicted == 0 || r.core.stats.SummariesRefused == 0 {
			t.Errorf("%d to each: %d evicted, %d refused", together, r.core.stats.SummariesEvicted, r.core.stats.SummariesRefused)
		}
	}
}

// TestOriginsAreBounded: a link leads to as many origins as a peer has neighbours.
func TestOriginsAreBounded(t *testing.T) {
	r := newRelay(t, 2)
	for i := range 10 * MaxLinks {
		r.now = r.now.Add(SummaryEvery)
		r.receive(0, wire.Message{Kind: wire.KindSummary, Summary: &wire.Summary{Origin: wire.PeerID(fmt.Sprint(i)), Seq: 1}})
	}
	if n := r.core.Origins(); n > MaxLinks+1 || n < MaxLinks {
		t.Errorf("%d origins over one link", n)
	}
	for i := range MaxLinks { // nor by newer summaries of those that others lead to
		for _, from := range []int{1, 0} {
			r.now = r.now.Add(SummaryEvery)
			s := &wire.Summary{Origin: wire.PeerID(fmt.Sprint("other", i)), Seq: uint64(2 - from)}
			r.receive(from, wire.Message{Kind: wire.KindSummary, Summary: s})
		}
	}
	if n := r.core.links[r.peers[0].Peer].origins; n > MaxLinks+1 || r.core.Origins() <= n {
		t.Errorf("one link leads to %d of %d origins", n, r.core.Origins())
	}
	if r.core.Stats().SummariesRefused == 0 {
		t.Error("none was refused")
	}
}

// TestSilentAccomplicesStopNoWalks: peers that acknowledge nothing of what others send
// them through this node do not fill the room for the walks that it has to keep.
func TestSilentAccomplicesStopNoWalks(t *testing.T) {
	const pairs = 14
	r := newRelay(t, 2*pairs+8)
	honest := r.peers[2*pairs].Peer
	for step := range 200 {
		r.pass(time.Second / 10)
		for i := range pairs {
			m := r.next(&wire.Walk{Kind: wire.WalkGuided, Target: r.peers[pairs+i].Peer, Careful: true}, 1)
			r.receive(i, m)
			r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID})
		}
		if step%10 > 0 {
			continue
		}
		m := r.next(&wire.Walk{Kind: wire.WalkGuided}, 1)
		r.receive(2*pairs, m)
		for _, e := range r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID}) {
			if e.Kind == Send && e.Msg.Kind == wire.KindReport && e.Peer == honest {
				t.Fatalf("after %v an honest walk ends here, with %d walks kept", time.Duration(step)*time.Second/10, len(r.core.custodies))
			}
		}
	}
}
