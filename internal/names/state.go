package names

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/alarm"
	"github.com/grapevine-p2p/grapevine/internal/index"
)

// Holding is a name and who holds it.
type Holding struct {
	Key, Skeleton, Name string
	Owner               peer.ID
	Seq                 uint64
	// Ends is the log time at which the name is free if it is not renewed: the
	// last renewal, its term and its reservation.
	Ends time.Duration
}

// ChangeKind says what happened to a name.
type ChangeKind uint8

// The kinds of change.
const (
	Gained  ChangeKind = iota + 1 // somebody holds a name that was free
	Updated                       // its holder claimed it anew with a higher number
	GivenUp                       // its holder removed it
	Ended                         // it was not renewed
)

// Change is a change of who holds a name. Holding is as it is after it or, of a name
// that is free, as it was.
type Change struct {
	Kind    ChangeKind
	Holding Holding
}

// State is who holds which name: a pure function of the commands applied to it.
// Make it with [New] or [Restore].
type State struct {
	now       time.Duration
	holdings  *index.Index[string, *holding] // by their keys
	skeletons *index.Index[string, *holding]
	owners    map[peer.ID]int // how many names each holds
	ends      alarm.Heap[*holding, time.Duration]
	removals  removals
}

// New returns a state in which nobody holds a name, at time 0.
func New() *State {
	return &State{
		holdings:  index.New((*holding).key),
		skeletons: index.New((*holding).skeleton),
		owners:    make(map[peer.ID]int),
		removals:  removals{last: make(map[Renewal]uint64)},
	}
}

// Now is the log time that the state has reached.
func (s *State) Now() time.Duration { return s.now }

// Len is the number of names held.
func (s *State) Len() int { return s.holdings.Len() }

// Owner finds who holds a name.
func (s *State) Owner(key string) (Holding, bool) {
	h := s.holdings.Get(key)
	if h == nil {
		return Holding{}, false
	}
	return h.whole(), true
}

// Next is when the first holding ends; false if nothing is held.
func (s *State) Next() (time.Duration, bool) {
	first, some := s.ends.First()
	if !some {
		return 0, false
	}
	return first.ends(), true
}

// Apply applies a command stamped with a log time, and returns what it came to and
// what changed, in order.
func (s *State) Apply(stamp time.Duration, c Command) (Outcome, []Change) {
	if stamp < 0 || stamp > maxTime {
		return Outcome{Kind: Malformed}, nil
	}
	s.now = max(s.now, stamp)
	changes := s.expire()
	s.removals.forget(s.now)
	var outcome Outcome
	switch c := c.(type) {
	case Claim:
		outcome = s.claim(c, &changes)
	case Renew:
		outcome = s.renew(c)
	case Removal:
		outcome = s.remove(c, &changes)
	case Tick:
		outcome.Kind = Ticked
	default:
		outcome.Kind = Malformed
	}
	return outcome, changes
}

func (s *State) claim(c Claim, changes *[]Change) Outcome {
	if c.Check() != nil {
		return Outcome{Kind: Malformed}
	}
	if seq, removed := s.removals.last[Renewal{c.Key, c.Owner}]; removed && c.Seq <= seq {
		return Outcome{Kind: Stale, Seq: seq}
	}
	ends := s.now + c.Term + c.Reserve
	if h := s.holdings.Get(c.Key); h != nil {
		switch {
		case h.owner() != c.Owner:
			return s.taken(h, false)
		case c.Seq < h.seq:
			return Outcome{Kind: Stale, Seq: h.seq}
		}
		if other := s.skeletons.Get(c.Skeleton); other != nil && other != h {
			return s.taken(other, true)
		}
		s.prolong(h, ends)
		if c.Seq > h.seq {
			s.skeletons.Delete(h.skeleton())
			h.seq = c.Seq
			h.setWords(Holding{Key: c.Key, Name: c.Name, Skeleton: c.Skeleton, Owner: c.Owner})
			s.index(h)
			*changes = append(*changes, Change{Updated, h.whole()})
		}
		return Outcome{Kind: Granted}
	}
	if other := s.skeletons.Get(c.Skeleton); other != nil {
		return s.taken(other, true)
	}
	if n := s.owners[c.Owner]; n >= c.MaxPerOwner {
		return Outcome{Kind: Full, Limit: n, PerOwner: true}
	}
	if n := s.Len(); n >= c.MaxNames {
		return Outcome{Kind: Full, Limit: n}
	}
	h := s.insert(Holding{Key: c.Key, Skeleton: c.Skeleton, Name: c.Name, Owner: c.Owner, Seq: c.Seq, Ends: ends})
	*changes = append(*changes, Change{Gained, h.whole()})
	return Outcome{Kind: Granted, Fresh: true}
}

func (s *State) taken(h *holding, alike bool) Outcome {
	return Outcome{Kind: Taken, Owner: h.owner(), Name: h.name(), Left: h.ends() - s.now, Alike: alike}
}

func (s *State) renew(r Renew) Outcome {
	if r.Check() != nil {
		return Outcome{Kind: Malformed}
	}
	outcome := Outcome{Kind: Renewed}
	ends := s.now + r.Term + r.Reserve
	for i, one := range r.Renewals {
		h := s.holdings.Get(one.Key)
		if h == nil || h.owner() != one.Owner {
			outcome.Lost = append(outcome.Lost, i)
			continue
		}
		s.prolong(h, ends)
	}
	return outcome
}

// prolong lets a holding run until then; what was granted before is never cut short.
func (s *State) prolong(h *holding, ends time.Duration) {
	if ends > h.ends() {
		s.ends.Set(h, ends)
	}
}

// remove gives a name up. Its number is remembered whether or not the name was held:
// the claim that it takes back may still be on its way.
func (s *State) remove(r Removal, changes *[]Change) Outcome {
	if r.Check() != nil {
		return Outcome{Kind: Malformed}
	}
	holder := Renewal{r.Key, r.Owner}
	seq, removed := s.removals.last[holder]
	h := s.holdings.Get(r.Key)
	mine := h != nil && h.owner() == r.Owner
	switch {
	case mine && r.Seq <= h.seq:
		return Outcome{Kind: Stale, Seq: h.seq}
	case removed && r.Seq < seq:
		return Outcome{Kind: Stale, Seq: seq}
	case h != nil && !mine:
		s.removals.remember(holder, r.Seq, s.now)
		return Outcome{Kind: NotOwner, Owner: h.owner()}
	case removed && r.Seq == seq: // the same again
		return Outcome{Kind: Removed}
	}
	s.removals.remember(holder, r.Seq, s.now)
	if h == nil {
		return Outcome{Kind: NotRegistered}
	}
	s.drop(h)
	*changes = append(*changes, Change{GivenUp, h.whole()})
	return Outcome{Kind: Removed}
}

// expire frees the names whose holdings have ended, in the order of their ends and
// keys.
func (s *State) expire() []Change {
	var changes []Change
	for h, some := s.ends.First(); some && h.ends() <= s.now; h, some = s.ends.First() {
		s.drop(h)
		changes = append(changes, Change{Ended, h.whole()})
	}
	slices.SortFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Holding.Ends, b.Holding.Ends), cmp.Compare(a.Holding.Key, b.Holding.Key))
	})
	return changes
}

func (s *State) insert(of Holding) *holding {
	h := holdingOf(of)
	s.index(h)
	s.owners[h.owner()]++
	s.ends.Push(h, of.Ends)
	return h
}

func (s *State) index(h *holding) {
	s.holdings.Put(h)
	s.skeletons.Put(h)
}

func (s *State) drop(h *holding) {
	s.holdings.Delete(h.key())
	s.skeletons.Delete(h.skeleton())
	if s.owners[h.owner()]--; s.owners[h.owner()] == 0 {
		delete(s.owners, h.owner())
	}
	s.ends.Remove(h)
}

// check finds what must never be; tests call it after every step.
func (s *State) check() error {
	if s.skeletons.Len() != s.Len() || s.ends.Len() != s.Len() {
		return errors.New("holdings, skeletons and ends differ")
	}
	owners := make(map[peer.ID]int)
	for _, h := range s.ends.All() {
		owners[h.owner()]++
		if s.holdings.Get(h.key()) != h || s.skeletons.Get(h.skeleton()) != h || !s.ends.Has(h) || h.ends() <= s.now {
			return fmt.Errorf("holding of %q is out of place", h.key())
		}
	}
	for owner, n := range s.owners {
		if owners[owner] != n {
			return fmt.Errorf("%s holds %d names, not %d", owner, owners[owner], n)
		}
	}
	return s.removals.check()
}
