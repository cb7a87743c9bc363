package overlay

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// What a hostile peer may not do, and where it is tested:
//
//	more queries than a link may send, or the same    limits.txt, repeats.txt, TestOneStormHurtsNobodyElse
//	floods and walks that never end                   flood.txt, walk-budget.txt, survey-relay.txt
//	take over the way back of another's query         reverse-path.txt, walk-bound.txt, TestAttemptsTellNothingOfTheNext
//	more results than were asked for, or others       results.txt, results-walk.txt, TestAnotherKeyIsExcess,
//	                                                  TestWhatComesTwiceIsDeliveredOnce
//	more reports than there are attempts              report.txt
//	answer from afar in another's name                walk-indirect.txt
//	end a query by one forged report                  report-forged.txt
//	have its rates whole again by a new link          TestComingBackRefillsNothing
//	fill the tables                                   TestRoutesAreBounded, TestWalksThatNobodyTakesAreBounded,
//	                                                  TestSearchesAreBounded, TestAttemptsAreBounded,
//	                                                  TestFewCannotFillTheState, TestSilentAccomplicesStopNoWalks
//	make many messages of one                         TestOneWalkIsFewMessages
//	have this node dial or write to a victim          TestForgedAskersMakeNoWeapon, TestForgedAskersCostNoLink
//	take what it answers to others                    TestForgedAskersTakeNobodysAnswers, TestOneNamesNobodyMute,
//	                                                  TestWhoAsksItselfIsSentAll
//	take the room of others' results, or stop         TestOneLiarTakesNobodysRoom, TestAnotherKeyIsNoAnswer
//	a search, by false ones
//	have honest neighbours trusted less               TestForgedHitsCostTheirBringer
//	have a holder deny what it has                    TestAlteredQuestionsDenyNothing, TestBusyPeersDenyNothing,
//	                                                  TestReusedGUIDsDenyNothing
//	keep a search at those that promise all           TestPromisesDelayNoScout
//	promise what it does not have                     walk-false.txt, TestFalseMatchesAreHeldAgainstTheirRate,
//	                                                  TestNobodyIsHeldToWhatItNeverPromised
//	tell more, or otherwise, than an honest origin    summary-rate.txt, summary-limits.txt, TestOriginsAreBounded,
//	                                                  TestTwoCannotTellMoreThanOne;
//	                                                  package summary and package wire for what is too full or large
//	seem nearer than it is                            TestNobodySeemsNearer
//	crowd the view or the host cache                  groups.txt, displace.txt, hostile.txt, TestCacheMakesRoom,
//	                                                  TestHostCacheIsWhole
//	anything in any order                             TestWhateverComes

// next returns a query of a GUID that was not there before.
func (r *relay) next(w *wire.Walk, max uint16) wire.Message {
	r.count++
	m := wire.Message{Kind: wire.KindQuery, TTL: 5, Query: &wire.Query{Words: []string{"pear"}, Max: max}, Walk: w}
	binary.LittleEndian.PutUint64(m.GUID[:], r.count)
	return m
}

// TestOneStormHurtsNobodyElse: what a relay passes on of 23 neighbours that ask now
// and then is not halved by one that asks as much as it can: a thousand times a
// second, until it loses its link, or as often as it may without losing it.
func TestOneStormHurtsNobodyElse(t *testing.T) {
	const degree, seconds = 24, 60
	for _, walks := range []bool{false, true} {
		passed := func(perSecond int) (n int, lost bool) {
			r := newRelay(t, degree)
			step := time.Second / time.Duration(max(perSecond, 1))
			storm, honest := r.now, r.now
			for end := r.now.Add(seconds * time.Second); r.now.Before(end); {
				var w *wire.Walk
				if walks {
					w = &wire.Walk{Kind: wire.WalkRandom}
				}
				from := 0
				if r.now = honest; perSecond > 0 && storm.Before(honest) {
					r.now, storm = storm, storm.Add(step)
				} else {
					from = 1 + int(r.count)%(degree-1)
					honest = honest.Add(time.Second / 5)
				}
				m := r.next(w, 1)
				effects := append([]Effect(nil), r.receive(from, m)...)
				for _, e := range effects {
					if e.Kind == Match && walks {
						effects = append(effects, r.core.Handle(r.now, Event{Kind: Matched, GUID: e.GUID})...)
					}
				}
				for _, e := range effects {
					if from > 0 && e.Kind == Send && e.Msg.Kind == wire.KindQuery {
						n++
					}
				}
			}
			return n, r.core.links[r.peers[0].Peer] == nil
		}
		calm, _ := passed(0)
		for _, perSecond := range []int{1000, 19} {
			n, lost := passed(perSecond)
			t.Logf("walks %v: %d of %d passed on beside %d queries a second", walks, n, calm, perSecond)
			if 2*n < calm {
				t.Errorf("walks %v: %d instead of %d passed on beside %d queries a second", walks, n, calm, perSecond)
			}
			if lost != (perSecond == 1000) {
				t.Errorf("%d queries a second: the link is lost: %v", perSecond, lost)
			}
		}
	}
}

// TestAttemptsTellNothingOfTheNext: who knows the GUID of one cannot send a query with
// that of another ahead of it, and so take its way back.
func TestAttemptsTellNothingOfTheNext(t *testing.T) {
	r := newRelay(t, 24)
	ask := Event{Kind: Ask, GUID: wire.GUID{1, 2, 3}, Query: &wire.Query{Key: "absent", Max: 1}, Strategy: RandomWalk}
	heads := map[[8]byte]bool{}
	for _, e := range r.core.Handle(r.now, ask) {
		query, number, ok := r.core.Attempt(e.Msg.GUID)
		if !ok || query != ask.GUID || e.Msg.GUID == ask.GUID {
			t.Errorf("%v is attempt %d of %v: %v", e.Msg.GUID, number, query, ok)
		}
		if _, aside, _ := r.core.Attempt(Aside(e.Msg.GUID)); aside != number|sideAttempt {
			t.Errorf("the probes aside of attempt %d are those of %d", number, aside)
		}
		heads[[8]byte(e.Msg.GUID[:8])] = true
	}
	if len(heads) != RandomWalkers {
		t.Errorf("%d attempts, of which %d begin alike", RandomWalkers, RandomWalkers-len(heads))
	}
	r.core.Handle(r.now, Event{Kind: Cancel, GUID: ask.GUID})
	if len(r.core.attempts) != 0 {
		t.Errorf("%d attempts outlive their query", len(r.core.attempts))
	}
}

// TestFalseMatchesAreHeldAgainstTheirRate: a filter that is half full matches by
// accident, the more the more is asked; one that is nearly empty does not.
func TestFalseMatchesAreHeldAgainstTheirRate(t *testing.T) {
	var full summary.Builder
	for i := range 36_000 {
		full.Add(fmt.Sprint("key", i), nil)
	}
	for name, f := range map[string]*summary.Filter{"full": full.Filter(), "empty": filterOf([]string{"pear"})} {
		const tests = 10_000
		r := newRelay(t, 24)
		peer := r.peers[0].Peer
		r.receive(0, wire.Message{Kind: wire.KindSummary, Summary: &wire.Summary{Origin: peer, Seq: 1, Filter: f}})
		r.core.origins.tests += tests
		// Its neighbours' queries, too, come to its door.
		honest := int(math.Pow(f.Fill(), summary.Hashes) * tests * 24)
		for range honest + FalseSlack {
			r.core.falseMatch(peer)
		}
		if r.core.origins.find(peer) == nil {
			t.Errorf("the %s filter is dropped after %d false matches, which its rate explains", name, honest+FalseSlack)
		}
		for range 2*honest + 2*FalseSlack {
			r.core.falseMatch(peer)
		}
		if r.core.origins.find(peer) != nil || r.core.distrusted.find(r.core.now, peer) == nil {
			t.Errorf("the %s filter is believed after %d false matches", name, 3*honest+3*FalseSlack)
		}
	}
}

// TestNobodyIsHeldToWhatItNeverPromised: a neighbour that sends another what it did not
// promise to have cannot have it dropped for that.
func TestNobodyIsHeldToWhatItNeverPromised(t *testing.T) {
	for _, asked := range []string{"plum", "pear"} {
		r := newRelay(t, 4)
		honest := r.peers[1].Peer
		r.tell(1, honest, filterOf([]string{"pear"}))
		for range 10 * FalseSlack {
			r.now = r.now.Add(time.Second)
			m := r.next(&wire.Walk{Kind: wire.WalkProbe, Target: honest}, 1)
			m.Query = &wire.Query{Words: []string{asked}, Max: 1}
			for _, e := range append([]Effect(nil), r.receive(0, m)...) {
				if e.Kind == Send && e.Peer == honest && e.Msg.Nonce != 0 {
					r.receive(1, wire.Message{Kind: wire.KindAck, GUID: m.GUID, Nonce: e.Msg.Nonce})
				}
			}
		}
		if known := r.core.origins.find(honest) != nil; known == (asked == "pear") {
			t.Errorf("asked for %s in vain, who promised a pear is known: %v", asked, known)
		}
	}
}

// TestNobodySeemsNearer: a pong that was sent before its ping came tells no round trip.
func TestNobodySeemsNearer(t *testing.T) {
	r := newRelay(t, 2)
	var ping wire.Message
	for ping.Kind != wire.KindPing {
		r.now = r.core.Next()
		for _, e := range r.core.Handle(r.now, Event{Kind: Tick}) {
			if e.Kind == Send && e.Peer == r.peers[0].Peer {
				ping = e.Msg
			}
		}
	}
	for _, nonce := range []uint32{ping.Nonce + 1, ping.Nonce} {
		for _, l := range r.core.view {
			l.asked, l.pinged = true, r.core.now
		}
		r.now = r.now.Add(time.Millisecond)
		r.receive(0, wire.Message{Kind: wire.KindPong, Nonce: nonce})
		if measured := r.core.Neighbours()[0].RTT != 0; measured != (nonce == ping.Nonce) {
			t.Errorf("a pong of %d for a ping of %d: measured %v", nonce, ping.Nonce, measured)
		}
	}
}

// TestTwoCannotTellMoreThanOne: where another was told of a summary first, its origin's
// own is passed on all the same, and no oftener.
func TestTwoCannotTellMoreThanOne(t *testing.T) {
	r := newRelay(t, 4)
	passed := 0
	for i := range 50 {
		for _, from := range []int{1, 0} {
			s := &wire.Summary{Origin: r.peers[0].Peer, Seq: uint64(1 + i), Filter: filterOf([]string{"pear"})}
			passed += len(r.receive(from, wire.Message{Kind: wire.KindSummary, Summary: s}))
		}
	}
	if want := PublishBurst * 3; passed != want {
		t.Errorf("%d messages of 50 summaries, want %d", passed, want)
	}
}

// TestComingBackRefillsNothing: a link that ends and begins again has what was left of
// its rates; one that was away for long has them whole.
func TestComingBackRefillsNothing(t *testing.T) {
	r := newRelay(t, 4)
	storm := func() (passed int) {
		for range 2 * r.core.queryLimit.burst {
			if len(r.receive(0, r.next(nil, 1))) > 0 {
				passed++
			}
		}
		return passed
	}
	back := func() {
		r.core.Handle(r.now, Event{Kind: Lost, Peer: r.peers[0].Peer})
		r.receive(0, wire.Message{Kind: wire.KindNeighbour})
		if r.core.links[r.peers[0].Peer] == nil {
			t.Fatal("no neighbour again")
		}
	}
	if n := storm(); n != r.core.queryLimit.burst {
		t.Errorf("%d of a burst of %d", n, r.core.queryLimit.burst)
	}
	for range 3 {
		back()
		if n := storm(); n != 0 {
			t.Errorf("%d more after coming back", n)
		}
	}
	r.now = r.now.Add(BudgetLife)
	back()
	if n := storm(); n != r.core.queryLimit.burst {
		t.Errorf("%d of a burst of %d long after", n, r.core.queryLimit.burst)
	}
	for i := range 2 * MaxBudgets {
		r.core.keepBudget(&link{peer: wire.PeerID(fmt.Sprint(i))})
	}
	if n := r.core.budgets.len(); n > MaxBudgets {
		t.Errorf("%d budgets are kept", n)
	}
}
