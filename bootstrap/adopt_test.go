package bootstrap

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// All that a fellow has comes to no more at once than who waits for the lock bears, and
// no faster than whoever watches can hear.
func TestAdoptionLetsOthersIn(t *testing.T) {
	s := quietServer(t)
	const many = 2*storyBatch + 1
	var there []entry
	for i := range many {
		there = append(there, entry{claim: claimOf(peer.ID(fmt.Sprint("peer", i)), "", 1), online: true})
	}
	steps := func(entries []entry, watchers int) (n int, rest time.Duration) {
		s.watchers = watchers
		a := s.story.adopt("fellow", slices.Clone(entries))
		for more := true; more; n++ {
			before := s.journal.now()
			var pause time.Duration
			pause, more = s.adopt(t.Context(), a)
			if told := s.journal.now() - before; told > storyBatch || told > 0 && pause == 0 || told == 0 && pause > 0 {
				t.Fatalf("%d changes at once, and a rest of %s", told, pause)
			}
			rest += pause
		}
		return n, rest
	}
	n, few := steps(there, 0)
	if n < many/storyBatch || s.population().Peers != many {
		t.Errorf("%d are taken up in %d steps", s.population().Peers, n)
	}
	if _, rest := steps(there, 0); rest > 0 || s.population().Peers != many {
		t.Errorf("without a change it rests for %s", rest)
	}
	if n, _ := steps(nil, 0); n < many/storyBatch || s.population().Peers != 0 {
		t.Errorf("%d are left after %d steps", s.population().Peers, n)
	}
	const watchers = 10_000
	_, rest := steps(there, watchers)
	if rest <= few {
		t.Errorf("with many who watch it rests for %s, and for %s without", rest, few)
	}
	// In the longest round no more come than are kept.
	if round := 2 * roundOf(watchers); rest < round*many/journalSize {
		t.Errorf("%d changes come in %s, and a round may take %s", many, rest, round)
	}
}

// What a lost fellow told ends little by little too.
func TestLostFellowsEndByAndBy(t *testing.T) {
	s := newStory(testTable())
	var there []entry
	for i := range 2*storyBatch + 1 {
		there = append(there, entry{claim: claimOf(peer.ID(fmt.Sprint("peer", i)), "", 1), online: true})
	}
	adoptAll(s, "fellow", there)
	s.lose(t0, "fellow")
	now := t0.Add(s.own.lease)
	for _, want := range []int{storyBatch, storyBatch, 1, 0} {
		if next, some := s.next(); some != (want > 0) || some && next.After(now) {
			t.Fatalf("the next end is at %s, %v", next, some)
		}
		if got := count(s.expire(now), Expired); got != want {
			t.Fatalf("%d end at once, and not %d", got, want)
		}
	}
}

// What was taken up is not kept a second time by the list it came in.
func TestAdoptionLetsItsListGo(t *testing.T) {
	s := newStory(testTable())
	var there []entry
	for i := range 3 {
		there = append(there, entry{claim: claimOf(peer.ID(fmt.Sprint("peer", i)), "", 1), online: true})
	}
	a := s.adopt("fellow", there)
	a.some(2)
	for i, e := range there {
		if taken := i < 2; taken != (e.claim == nil) {
			t.Errorf("entry %d: taken up %v, and there is %v", i, taken, e.claim)
		}
	}
	if _, more := a.some(2 * len(there)); more || a.entries != nil || a.tale.since != nil {
		t.Errorf("at the end there are %v and %v", a.entries, a.tale.since)
	}
}

// What an owner removed meanwhile is not taken up, and what it registered after that is.
func TestAdoptionAfterRemovals(t *testing.T) {
	for removed := range uint64(4) {
		s := newStory(testTable())
		old := entry{claim: claimOf("peer", "name", 1)}
		adoptAll(s, "fellow", []entry{old})
		listed := entry{claim: claimOf("peer", "name", 2)}
		a := s.adopt("fellow", []entry{listed})
		s.tell("fellow", change{kind: Left, entry: old, removal: gone(claimOf("peer", "name", removed))})
		a.some(2)
		if known, want := s.lookup(t0, "name"), removed < 2; (len(known) == 1) != want || want && known[0].claim.seq != 2 {
			t.Errorf("after the removal of record %d there is %+v", removed, known)
		}
	}
}

// The fewer changes are kept for those who watch, the slower more of them come.
func TestAdoptionHeedsWhatIsKept(t *testing.T) {
	const changes = 100
	for _, watchers := range []int{0, 10_000} {
		for _, kept := range []uint64{journalSize, journalSize / 8, 2} {
			round := max(leastRound, 2*roundOf(watchers))
			inRound := float64(changes) * float64(round) / float64(adoptRest(changes, watchers, kept))
			if inRound > float64(kept)/2+1 || inRound < float64(kept)/2-1 {
				t.Errorf("%d watchers, %d are kept: %.1f come in a round", watchers, kept, inRound)
			}
		}
	}
	if adoptRest(changes, 0, 0) <= 0 {
		t.Error("where nothing is kept there is no rest")
	}
}

// Nor does it end faster than whoever watches can hear, if nobody else knows of it.
func TestWatchersHearHowLostFellowsEnd(t *testing.T) {
	for name, lose := range map[string]func(*story){
		"lost":               func(s *story) { s.lose(time.Now(), "fellow") },
		"no fellow any more": func(s *story) { s.forget(time.Now(), "fellow") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := quiet(t, 0)
				s.wake = make(chan struct{}, 1)
				s.ctx, s.cancel = context.WithCancel(t.Context())
				const many = 2 * journalSize
				var there []entry
				for i := range many {
					there = append(there, entry{claim: claimOf(peer.ID(fmt.Sprint("peer", i)), "", 1), online: true})
				}
				adoptAll(s.story, "fellow", there)
				s.wg.Add(1)
				go s.expire()
				defer s.wg.Wait()
				defer s.cancel()
				s.mu.Lock()
				lose(s.story)
				s.mu.Unlock()
				heard := uint64(0)
				for late := time.Now().Add(2 * time.Hour); heard < many && time.Now().Before(late); {
					s.alarm() // as each write does
					<-time.After(leastRound)
					changes, _, err := s.journal.after(heard, journalSize)
					if err != nil {
						t.Errorf("after %d of %d: %v", heard, many, err)
						return
					}
					heard += uint64(len(changes))
				}
				if heard != many {
					t.Errorf("%d of %d are heard to end", heard, many)
				}
			})
		})
	}
}
