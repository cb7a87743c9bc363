package bootstrap

import (
	"container/list"
	"sync"
	"sync/atomic"
	"time"
)

// turns lets many watchers of a journal be told in turn: all at once would keep
// whoever registers waiting for thousands.
type turns struct {
	kept   atomic.Uint64 // changes that there is room for in the journal
	behind chan struct{} // somebody has more to hear

	mu    sync.Mutex
	order list.List // of *turn; whoever had none for the longest time comes first
	left  int       // how many of this round are still to come
}

// turn is a watcher's place.
type turn struct {
	come  chan struct{}
	heard uint64 // the revision at its last turn, or what it got to if that is less
	place *list.Element
}

// lacks is how many changes it has not heard of.
func (w *turn) lacks(now uint64) uint64 { return now - min(now, w.heard) }

func newTurns(size int) *turns {
	t := &turns{behind: make(chan struct{}, 1)}
	t.kept.Store(uint64(size))
	return t
}

// join gives a watcher that has heard of a revision a place, from which it is called
// at each change after it, until it leaves.
func (t *turns) join(revision uint64) *turn {
	t.mu.Lock()
	defer t.mu.Unlock()
	mine := &turn{come: make(chan struct{}, 1), heard: revision}
	mine.place = t.order.PushBack(mine)
	return mine
}

func (t *turns) leave(mine *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.order.Remove(mine.place)
}

// again gives a watcher another turn, who got only as far as a revision.
func (t *turns) again(mine *turn, revision uint64) {
	t.mu.Lock()
	mine.heard = revision
	t.mu.Unlock()
	select {
	case t.behind <- struct{}{}:
	default:
	}
}

// begin begins a round, in which each watcher that lacks a change is called once.
func (t *turns) begin() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.left = t.order.Len()
}

// call calls as many as is right for one step and tells whether there are more in
// this round. They are more at once the closer they are to lagging, so that they do
// not, however much changes.
func (t *turns) call(now uint64) (more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for called := 0; t.left > 0; t.left-- {
		first := t.order.Front()
		if first == nil {
			break
		}
		next := first.Value.(*turn)
		if next.lacks(now) > 0 {
			if called >= perStep(t.order.Len())<<haste(next.lacks(now), t.kept.Load()) {
				return true
			}
			called++
			next.heard = now
			select {
			case next.come <- struct{}{}:
			default: // still busy with the last one
			}
		}
		t.order.MoveToBack(first)
	}
	t.left = 0
	return false
}

// rest is how long a round may wait for claims: not at all when few watch or the next
// is close to lagging, and no longer than the round takes itself.
func (t *turns) rest(now uint64) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	first, round := t.order.Front(), roundOf(t.order.Len())
	if first == nil || round <= turnStep || haste(first.Value.(*turn).lacks(now), t.kept.Load()) > 0 {
		return 0
	}
	return min(newsDelay, round)
}

// perStep is how many of so many watchers have their turn in one step: rounded down,
// so that a round takes no less than it should.
func perStep(watchers int) int {
	round := roundOf(watchers)
	if round <= turnStep {
		return watchers
	}
	return max(1, int(time.Duration(watchers)*turnStep/round))
}

// roundOf is how long it takes at the least until each of so many watchers had a turn.
func roundOf(watchers int) time.Duration {
	return time.Duration(max(0, watchers-promptWatchers)) * watcherShare
}

// haste is how often the watchers of a step are doubled when the next lacks so many of
// the changes that are kept: never up to the half of them, eight times at the end.
func haste(lacking, kept uint64) int {
	half := kept / 2
	return int((min(max(lacking, half), kept) - half) * 8 / (kept - half))
}

// callWatchers calls the watchers of a journal when there is something to hear. It is
// one goroutine, which waits for the processor as they do: when the server is busy it
// calls less often, and each hears more at once.
func (s *Server) callWatchers(j *journal) {
	defer s.wg.Done()
	step := time.NewTimer(0)
	defer step.Stop()
	for {
		changed := j.changed()
		begun := time.Now()
		j.turns.begin()
		for s.newsWaits(j, begun) || j.turns.call(j.now()) {
			step.Reset(turnStep)
			select {
			case <-step.C:
			case <-s.ctx.Done():
				return
			}
		}
		select {
		case <-changed:
		case <-j.turns.behind:
		case <-s.ctx.Done():
			return
		}
	}
}

// newsWaits tells whether a round that was begun then has to wait for a claim that is
// under way: news may be late, claims may not.
func (s *Server) newsWaits(j *journal, begun time.Time) bool {
	return s.claiming.Load() > 0 && time.Since(begun) < j.turns.rest(j.now())
}
