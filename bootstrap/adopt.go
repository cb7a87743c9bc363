package bootstrap

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// storyBatch is how many leases of a fellow are taken up, or dropped, at once: some
// milliseconds' worth. leastRound is how long whoever reads all changes may take for
// half of those that are kept.
const (
	storyBatch = 256
	leastRound = 200 * time.Millisecond
)

// adoption takes up all that a fellow has, some of it at a time: others are not to
// wait for it. What the fellow tells meanwhile is newer, and counts.
type adoption struct {
	story   *story
	fellow  peer.ID
	tale    *tale
	entries []entry // that are still to come
	old     int     // so many of those that were told before are still to be looked at
}

// adopt begins to take up all that a fellow has; the slice is its from here on.
func (s *story) adopt(fellow peer.ID, entries []entry) *adoption {
	t := s.fellows[fellow]
	if t == nil {
		t = newTale()
		s.fellows[fellow] = t
	}
	t.lost = false
	t.round++
	t.since = make(map[leaseID]uint64)
	return &adoption{s, fellow, t, entries, -1}
}

// some takes up to n more leases up, and reports whether that is not all.
func (a *adoption) some(n int) (changes []change, more bool) {
	t := a.tale
	if a.story.fellows[a.fellow] != t || t.lost {
		return nil, false // it is no fellow any more
	}
	for ; n > 0 && len(a.entries) > 0; n-- {
		e := a.entries[0]
		if older, told := t.since[e.id()]; !told || e.claim.seq > older {
			changes = append(changes, a.story.take(t, change{kind: Updated, entry: e})...)
		}
		a.entries[0] = entry{} // it is kept in the tale
		a.entries = a.entries[1:]
	}
	if len(a.entries) == 0 && a.old < 0 {
		a.old = len(t.order)
	}
	// From the end: what takes the place of one that is dropped was looked at.
	for ; n > 0 && a.old > 0; n-- {
		a.old = min(a.old, len(t.order)) - 1
		if a.old >= 0 && t.order[a.old].round != t.round {
			changes = append(changes, a.story.end(t, t.order[a.old])...)
		}
	}
	more = len(a.entries) > 0 || a.old > 0
	if !more {
		t.since, a.entries = nil, nil
	}
	return changes, more
}

// adopt takes up some more of what a fellow has, and says how long to let be before the
// rest of it.
func (s *Server) adopt(ctx context.Context, a *adoption) (rest time.Duration, more bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil { // it is no fellow any more
		return 0, false
	}
	changes, more := a.some(storyBatch)
	s.journal.add(changes...)
	return adoptRest(len(changes), s.watchers, s.journal.turns.kept.Load()), more
}

// adoptRest is how long watchers need for changes that come besides all others: half
// of what is kept for them may come from one round, as long as it may be, to the next.
func adoptRest(changes, watchers int, kept uint64) time.Duration {
	return time.Duration(changes) * max(leastRound, 2*roundOf(watchers)) / time.Duration(max(1, kept/2))
}
