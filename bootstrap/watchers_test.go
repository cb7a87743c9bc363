package bootstrap

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestManyWatchersGatherChanges(t *testing.T) {
	for watchers, want := range map[int]int{0: 0, promptWatchers: promptWatchers, promptWatchers + 10_000: 5, 1 << 20: 5} {
		if got := perStep(watchers); got != want {
			t.Errorf("of %d watchers %d are told in one step, want %d", watchers, got, want)
		}
	}
	for lacking, want := range map[uint64]int{0: 0, 100: 0, 113: 1, 150: 4, 200: 8, 1 << 40: 8} {
		if got := haste(lacking, 200); got != want {
			t.Errorf("who lacks %d of 200 changes is hastened by %d, want %d", lacking, got, want)
		}
	}
	for lacking, want := range map[uint64]int{0: 0, 100: 0, 201: 8} {
		if got := haste(lacking, 201); got != want {
			t.Errorf("who lacks %d of 201 changes is hastened by %d, want %d", lacking, got, want)
		}
	}
}

// called is how many of some watchers were called since they were asked last.
func called(watchers ...*turn) (n int) {
	for _, w := range watchers {
		select {
		case <-w.come:
			n++
		default:
		}
	}
	return n
}

func TestFewWatchersAreCalledAtOnce(t *testing.T) {
	turns := newTurns(journalSize)
	one, two, gone := turns.join(0), turns.join(0), turns.join(0)
	turns.leave(gone)
	turns.begin()
	if turns.call(1) || called(one, two) != 2 || called(gone) != 0 {
		t.Error("not both of two were called, or one that had left")
	}
	if turns.rest(2) > 0 {
		t.Error("two have to wait")
	}
	turns.again(one, 0)
	turns.begin()
	if turns.call(1) || called(one) != 1 || called(two) != 0 {
		t.Error("who lacks a change is not called again, or who lacks none")
	}
	<-turns.behind
}

// In a round each of many has one turn, whoever stops listening.
func TestManyWatchersAreCalledInTurn(t *testing.T) {
	const many = 2000
	turns := newTurns(journalSize)
	watchers := make([]*turn, many)
	for i := range watchers {
		watchers[i] = turns.join(0)
	}
	for revision := uint64(1); revision <= 2; revision++ {
		turns.begin()
		if got, want := turns.rest(revision), roundOf(many); got != want {
			t.Errorf("they wait %s, want %s", got, want)
		}
		steps, listening := 0, watchers[:many-(int(revision)-1)] // the last has not taken its turn
		for more := true; more; steps++ {
			more = turns.call(revision)
			if n := called(listening...); n > perStep(many) {
				t.Fatalf("%d were called in one step", n)
			}
		}
		if want := many / perStep(many); steps < want || steps > want+1 {
			t.Errorf("revision %d took %d steps, want %d", revision, steps, want)
		}
		for _, w := range listening {
			if w.heard != revision {
				t.Fatalf("at revision %d one was told of %d only", revision, w.heard)
			}
		}
	}
	// Far behind they do not wait, and more are called at once.
	turns.begin()
	if turns.rest(journalSize) > 0 || !turns.call(journalSize) {
		t.Error("they may wait, or all were called")
	}
	if n := called(watchers...); n <= 100*perStep(many) {
		t.Errorf("%d were called when they were about to lag", n)
	}
}

// A round waits for claims no longer than it takes, and never longer than newsDelay.
func TestNewsWaitsForClaims(t *testing.T) {
	for watchers, want := range map[int]time.Duration{600: 100 * time.Millisecond, 20_000: newsDelay} {
		synctest.Test(t, func(t *testing.T) {
			s, j := &Server{}, newJournal(journalSize, 1, encodeEntry)
			for range watchers {
				j.turns.join(0)
			}
			j.add(change{kind: Updated, entry: entry{claim: &claim{}}})
			begun := time.Now()
			if s.newsWaits(j, begun) {
				t.Error("it waits for nothing")
			}
			s.claiming.Add(1)
			<-time.After(want - time.Millisecond)
			if !s.newsWaits(j, begun) {
				t.Errorf("with %d watchers it waits less than %s", watchers, want)
			}
			<-time.After(time.Millisecond)
			if s.newsWaits(j, begun) {
				t.Errorf("with %d watchers it waits longer than %s", watchers, want)
			}
		})
	}
}

// Who lacks more than one turn tells gets all of it, though nothing changes after that.
func TestWatcherHearsAllThatGathered(t *testing.T) {
	s := startServer(t)
	const size = 300
	const many = 2*turnBatches*tellBytes/size + 1
	for range many {
		s.journal.add(change{kind: Updated, entry: entry{claim: &claim{sealed: strings.Repeat("x", size)}}})
	}
	raw := rawTalk(t, newHost(t), s)
	resp := raw.asks(t, watchRequest(s.epoch, s.journal.now()-many))
	for left := many - 1; left > 0; left-- {
		var err error
		if resp, err = raw.receive(patience); err != nil || resp.GetChange().GetEntry() == nil {
			t.Fatalf("%d are missing: %v, %v", left, resp, err)
		}
	}
	if got := resp.GetChange().GetRevision(); got != s.journal.now() {
		t.Errorf("told of revision %d, not %d", got, s.journal.now())
	}
}

// BenchmarkRegisterWatched measures registrations while others watch, in one
// process.
func BenchmarkRegisterWatched(b *testing.B) {
	for _, watchers := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) {
			s := startServer(b, unlimited, func(s *Server) { s.Lease = time.Hour })
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			var ready, done sync.WaitGroup
			for range watchers {
				changes := s.Watch(ctx)
				ready.Add(1)
				done.Go(func() {
					ready.Done()
					for {
						for _, err := range changes {
							if err != nil {
								break
							}
						}
						if ctx.Err() != nil {
							return
						}
						changes = s.Watch(ctx) // it lagged
					}
				})
			}
			ready.Wait()
			n := 0
			for b.Loop() {
				n++
				c := claimOf(peer.ID(fmt.Sprint("peer", n)), "", 1)
				if _, err := s.commit(ctx, c, manner{}); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			cancel()
			done.Wait()
		})
	}
}
