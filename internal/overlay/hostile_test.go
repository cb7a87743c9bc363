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

// TestForgedAskersMakeNoWeapon: whom walks name as their asker is sent what a node
// can spare for all of them, and not what all of its links ask for. That holds for
// a neighbour, too, which would else take this node for hostile.
func TestForgedAskersMakeNoWeapon(t *testing.T) {
	const seconds, attackers = 20, 23
	for _, linked := range []bool{false, true} {
		r := newRelay(t, 24)
		victim, most := wire.Contact{Peer: "victim"}, attackers
		if linked {
			victim, most = r.peers[23], 1
		}
		most *= AnswerBurst + seconds*int(time.Second/AnswerEvery)
		hit := 0
		for range 10 * seconds {
			r.pass(time.Second / 10)
			for from := range attackers {
				hit += len(r.answered(from, victim, 1, victim.Peer))
			}
		}
		if hit > most || hit == 0 {
			t.Errorf("a victim that is a neighbour, %v: %d hits in %d s, at most %d", linked, hit, seconds, most)
		}
	}
}

// pass lets time pass in which all neighbours are heard of.
func (r *relay) pass(d time.Duration) {
	r.now = r.now.Add(d)
	for i := range r.peers {
		r.receive(i, wire.Message{Kind: wire.KindPong})
	}
	r.core.Handle(r.now, Event{Kind: Tick})
}

// answered lets a neighbour ask in another's name, and returns the hits and reports that
// this makes the node send to somebody.
func (r *relay) answered(from int, asker wire.Contact, items int, to wire.PeerID) (sent []wire.Message) {
	m := r.next(&wire.Walk{Kind: wire.WalkGuided, Asker: asker}, 1)
	m.Hops = 9
	collect := func(effects []Effect) {
		for _, e := range effects {
			if e.Kind == Send && e.Peer == to && (e.Msg.Kind == wire.KindHit || e.Msg.Kind == wire.KindReport) {
				sent = append(sent, e.Msg)
			}
		}
	}
	collect(r.receive(from, m))
	collect(r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID, Items: make([]wire.Item, items)}))
	return sent
}

// TestForgedAskersCostNoLink: a node that others make send hits to a neighbour is not
// taken for one that floods it, however long it goes on.
func TestForgedAskersCostNoLink(t *testing.T) {
	r, victim := newRelay(t, 24), newRelay(t, 24) // the victim is 23 there, and has the node as 0
	for range 10 * 300 {
		r.pass(time.Second / 10)
		victim.pass(time.Second / 10)
		for from := range 5 {
			for _, m := range r.answered(from, r.peers[23], 64, r.peers[23].Peer) {
				victim.receive(0, m)
			}
		}
	}
	if n := victim.core.Stats().Expelled; n > 0 {
		t.Errorf("the neighbour has expelled %d", n)
	}
}

// TestForgedAskersTakeNobodysAnswers: who makes a node dial others takes nothing of what
// it answers to those who ask over other links; and of what cannot be answered a walk goes
// on, and nobody is told that there is nothing.
func TestForgedAskersTakeNobodysAnswers(t *testing.T) {
	r := newRelay(t, 24)
	for i := range 600 {
		r.pass(time.Second / 10)
		forged := wire.PeerID(fmt.Sprint("victim", i))
		r.answered(23, wire.Contact{Peer: forged}, 64, forged)
		if i%5 > 0 {
			continue
		}
		honest := wire.PeerID(fmt.Sprint("honest", i))
		if len(r.answered(0, wire.Contact{Peer: honest}, 1, honest)) == 0 {
			t.Fatalf("an honest asker is not answered after %d forged ones", i)
		}
	}
	m := r.next(&wire.Walk{Kind: wire.WalkGuided, Asker: wire.Contact{Peer: "one more"}, Careful: true}, 1)
	for m.Hops = 9; r.core.links[r.peers[23].Peer].dialling.take(r.core.now, answerLimit, 0); {
	}
	m.Nonce = 1
	effects := append([]Effect(nil), r.receive(23, m)...)
	effects = append(effects, r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID, Items: make([]wire.Item, 1)})...)
	var acks, on int
	for _, e := range effects {
		switch {
		case e.Kind != Send:
		case e.Msg.Kind == wire.KindAck:
			acks += int(e.Msg.Found)
		case e.Msg.Kind == wire.KindQuery:
			on++
		}
	}
	if acks != 1 || on != 1 {
		t.Errorf("%d results acknowledged and %d walks gone on, want 1 and 1", acks, on)
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
