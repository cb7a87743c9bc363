package overlay

import (
	"fmt"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestPromisesDelayNoScout: two links that lead to very many who promise all and have
// nothing keep no search from looking elsewhere.
func TestPromisesDelayNoScout(t *testing.T) {
	for _, silent := range []bool{false, true} {
		r := newRelay(t, 24)
		for link := range 2 {
			for i := range 64 {
				r.tell(link, wire.PeerID(fmt.Sprint("liar ", link, i)), filterOf([]string{"pear"}))
				if i%20 == 19 {
					r.pass(5 * time.Second)
				}
			}
		}
		r.pass(time.Minute)
		probes, began := 0, r.now
		effects := r.core.Handle(r.now, Event{Kind: Ask, GUID: wire.GUID{1}, Query: &wire.Query{Words: []string{"pear"}, Max: 1}})
		for scouts := 0; r.now.Sub(began) < 10*time.Second; {
			var reports []wire.Message
			for _, e := range effects {
				switch {
				case e.Kind == Done:
					t.Fatal("the search is over, and no scout went out")
				case e.Kind != Send || e.Msg.Kind != wire.KindQuery:
				case e.Msg.Walk.Kind == wire.WalkProbe:
					probes++
					reports = append(reports, wire.Message{Kind: wire.KindReport, GUID: e.Msg.GUID, Contact: wire.Contact{Peer: e.Peer}, Tally: &wire.Tally{Messages: 2, Stale: 1}})
				default:
					scouts++
				}
			}
			if scouts > 0 {
				break
			}
			r.now = r.now.Add(100 * time.Millisecond)
			effects = nil
			for i := range r.peers {
				effects = append(effects, r.receive(i, wire.Message{Kind: wire.KindPong})...)
			}
			for i := range reports {
				if !silent {
					effects = append(effects, r.receive(r.place(reports[i].Contact.Peer), reports[i])...)
				}
			}
			effects = append(effects, r.core.Handle(r.now, Event{Kind: Tick})...)
		}
		if took := r.now.Sub(began); took > time.Second || probes == 0 || probes > VainProbes*MaxProbes {
			t.Errorf("silent, %v: the scout goes after %d probes and %v", silent, probes, took)
		}
	}
}

// TestProbesGoOnWhileTheyBring: where many are wanted and many have it, all are probed.
func TestProbesGoOnWhileTheyBring(t *testing.T) {
	r := newRelay(t, 24)
	for i := range 20 {
		r.tell(i, r.peers[i].Peer, filterOf([]string{"pear"}))
	}
	effects := append([]Effect(nil), r.core.Handle(r.now, Event{Kind: Ask, GUID: wire.GUID{1}, Query: &wire.Query{Words: []string{"pear"}, Max: 99}})...)
	probed := 0
	for len(effects) > 0 {
		e := effects[0]
		effects = effects[1:]
		if e.Kind == Send && e.Msg.Kind == wire.KindQuery && e.Msg.Walk.Kind == wire.WalkProbe {
			probed++
			i := r.place(e.Peer)
			effects = append(effects, r.receive(i, wire.Message{
				Kind: wire.KindHit, GUID: e.Msg.GUID, Contact: r.peers[i], Hops: 1, Items: itemsOf(fmt.Sprint(i), 1, 0),
			})...)
		}
	}
	if probed != 20 {
		t.Errorf("%d of 20 that have it are probed", probed)
	}
}

// TestRingGrowsInItsTime: however many results are rejected at once.
func TestRingGrowsInItsTime(t *testing.T) {
	r := newRelay(t, 24)
	guid, _ := r.asks(t, wire.GUID{1}, &wire.Query{Key: "k", Max: 10}, ExpandingRing)
	by := r.peers[0].Peer
	r.delivers(by, by, 1, guid, itemsOf("k", 7, 0))
	for _, e := range r.rejects(wire.GUID{1}, by, itemsOf("k", 7, 0)) {
		t.Errorf("at once: %+v", e)
	}
	r.now = r.now.Add(time.Second)
	if len(r.core.Handle(r.now, Event{Kind: Tick})) == 0 {
		t.Error("the ring does not grow")
	}
}

// TestSearchesWaitForTheirTurn: one whose links cannot carry another query now goes out
// a little later.
func TestSearchesWaitForTheirTurn(t *testing.T) {
	for _, s := range []Strategy{Guided, Exhaustive, RandomWalk} {
		r := newRelay(t, 1)
		l := r.core.links[r.peers[0].Peer]
		for l.out.take(r.core.now, r.core.queryLimit, 0) {
		}
		sent := 0
		count := func(effects []Effect) {
			for _, e := range effects {
				if e.Kind == Done {
					t.Fatalf("%v: over before anything went out", s)
				}
				if e.Kind == Send && e.Msg.Kind == wire.KindQuery {
					sent++
				}
			}
		}
		count(r.core.Handle(r.now, Event{Kind: Ask, GUID: wire.GUID{1}, Query: &wire.Query{Key: "k", Max: 1}, Strategy: s}))
		if sent > 0 {
			t.Fatalf("%v: sent over the rate", s)
		}
		for range 30 {
			r.now = r.now.Add(r.core.queryLimit.every)
			for l.out.take(r.core.now, r.core.queryLimit, 0) {
			}
			count(r.core.Handle(r.now, Event{Kind: Tick}))
		}
		for range 5 {
			r.now = r.now.Add(r.core.queryLimit.every)
			count(r.core.Handle(r.now, Event{Kind: Tick}))
		}
		if sent == 0 {
			t.Errorf("%v: never sent", s)
		}
	}
}

// reportAll ends each attempt of a search with a report, until there is nobody left to ask.
func (r *relay) reportAll(t *testing.T, s *search) {
	t.Helper()
	for i := 0; !s.lingers; i++ {
		if i == 100 {
			t.Fatal("the search does not come to its end")
		}
		r.pass(100 * time.Millisecond)
		for _, a := range append([]attempt(nil), s.under...) {
			r.receive(0, wire.Message{Kind: wire.KindReport, GUID: s.guidOf(a.number), Contact: r.peers[0], Tally: &wire.Tally{Messages: 2}})
		}
	}
}

// TestRejectedHoldersAreNotAskedAgain: not even when they tell anew what they share.
func TestRejectedHoldersAreNotAskedAgain(t *testing.T) {
	r := newRelay(t, 2)
	liar := r.peers[1].Peer
	r.tell(1, liar, filterOf([]string{"pear"}))
	guid, _ := r.asks(t, wire.GUID{1}, &wire.Query{Words: []string{"pear"}, Max: 1}, Guided)
	r.delivers(liar, liar, 1, guid, itemsOf("k", 1, 0))
	r.rejects(wire.GUID{1}, liar, itemsOf("k", 1, 0))
	s := r.core.searches[wire.GUID{1}]
	r.reportAll(t, s)
	for _, e := range r.receive(1, wire.Message{Kind: wire.KindSummary, Summary: &wire.Summary{Origin: liar, Seq: 2, Filter: filterOf([]string{"pear"})}}) {
		if e.Kind == Send && e.Msg.Kind == wire.KindQuery {
			t.Errorf("%+v", e.Msg)
		}
	}
}

// TestNewsIsWaitedFor: what is probed at the very end of a search has the time to answer.
func TestNewsIsWaitedFor(t *testing.T) {
	r := newRelay(t, 2)
	r.asks(t, wire.GUID{1}, &wire.Query{Words: []string{"pear"}, Max: 1}, Guided)
	s := r.core.searches[wire.GUID{1}]
	r.reportAll(t, s)
	r.pass(s.wake - r.core.now - time.Millisecond)
	r.tell(1, r.peers[1].Peer, filterOf([]string{"pear"}))
	if len(s.under) != 1 || !s.under[0].probe {
		t.Fatalf("under way: %+v", s.under)
	}
	r.pass(2 * time.Millisecond)
	if len(s.under) != 1 || !s.under[0].probe {
		t.Errorf("given up at once for %+v", s.under)
	}
	last := s.lingered + r.core.trip(ProbeHops)
	for i := 0; r.core.now < last; i++ {
		r.tell(1, wire.PeerID(fmt.Sprint("late ", i)), filterOf([]string{"pear"}))
		r.pass(10 * time.Millisecond)
	}
	if s.wake != never && s.lingers {
		t.Error("what goes on coming is waited for as well")
	}
}
