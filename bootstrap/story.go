package bootstrap

import (
	"maps"
	"math"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// story is what the servers of a federation know together: the leases of this
// server and what its fellows tell of theirs. Something is there while any of them
// has it. It is a pure function of calls and times, as the table is; it has no lock.
type story struct {
	own     *table
	fellows map[peer.ID]*tale
	// removed are the sequence numbers with which owners removed registrations:
	// what a fellow that has not heard of it yet tells of older ones does not
	// count.
	removed map[leaseID]uint64
	people  people
	lists   uint32 // that were made of it
}

func newStory(own *table) *story {
	return &story{own: own, fellows: make(map[peer.ID]*tale), removed: make(map[leaseID]uint64), people: newPeople()}
}

// retell turns changes of the own table into those of the whole story.
func (s *story) retell(changes []change) []change {
	var all []change
	for _, c := range changes {
		id := c.entry.id()
		before := s.together(id, c.was)
		if c.removal != nil {
			s.strike(id, c.removal.seq)
		}
		is := &c.entry
		if c.kind == Left || c.kind == Expired {
			is = nil
		}
		all = append(all, s.difference(c, before, s.together(id, is))...)
	}
	return all
}

// void makes records up to a sequence number count no more, those too that are still
// on their way.
func (s *story) void(id leaseID, seq uint64) {
	if len(s.removed) >= maxEnded {
		clear(s.removed)
	}
	s.removed[id] = max(s.removed[id], seq)
}

// strike ends at all fellows what an owner removed.
func (s *story) strike(id leaseID, seq uint64) {
	s.void(id, seq)
	for _, t := range s.fellows {
		if e := t.entries[id]; e != nil && e.claim.seq <= seq {
			t.drop(id)
		}
	}
}

// tell takes up a change that a fellow told of. What changes the own table, because
// an owner removed its registration or consensus gave its name away, is the
// caller's to see to.
func (s *story) tell(fellow peer.ID, c change) []change {
	t := s.fellows[fellow]
	if t == nil {
		return nil
	}
	if t.since != nil {
		switch id := c.entry.id(); {
		case c.removal != nil: // which says nothing of what was registered after it
			t.since[id] = max(t.since[id], c.removal.seq)
		case c.kind == Left, c.kind == Expired, c.entry.claim.seq > s.removed[id]:
			t.since[id] = math.MaxUint64
		}
	}
	return s.take(t, c)
}

func (s *story) take(t *tale, c change) []change {
	id := c.entry.id()
	before := s.together(id, s.own.find(id))
	switch {
	case c.removal != nil:
		s.strike(id, c.removal.seq)
	case c.kind == Left, c.kind == Expired:
		t.drop(id)
	case c.entry.claim.seq > s.removed[id]:
		s.put(t, c.entry)
	}
	return s.difference(c, before, s.together(id, s.own.find(id)))
}

// lose notes that a fellow is not heard any more. It is believed for one lease.
func (s *story) lose(now time.Time, fellow peer.ID) {
	if t := s.fellows[fellow]; t != nil && !t.lost {
		t.lost, t.ends, t.since = true, now.Add(s.own.lease), nil
	}
}

// forget ends at once what a server told that is no fellow any more.
func (s *story) forget(now time.Time, fellow peer.ID) {
	if t := s.fellows[fellow]; t != nil {
		t.lost, t.ends, t.since = true, now, nil
	}
}

// expire drops some of what fellows told that were lost for too long. The rest is due
// at once.
func (s *story) expire(now time.Time) []change {
	var all []change
	for _, fellow := range slices.Sorted(maps.Keys(s.fellows)) {
		t := s.fellows[fellow]
		if !t.lost || t.ends.After(now) {
			continue
		}
		all = append(all, s.endSome(t, storyBatch)...)
		if len(t.order) == 0 {
			delete(s.fellows, fellow)
		}
	}
	return all
}

// next is when expire may have something to do.
func (s *story) next() (time.Time, bool) {
	var first time.Time
	for _, t := range s.fellows {
		if t.lost && (first.IsZero() || t.ends.Before(first)) {
			first = t.ends
		}
	}
	return first, !first.IsZero()
}

// oust drops what fellows tell of a name that belongs to somebody else.
func (s *story) oust(key nameKey, owner peer.ID) []change {
	var all []change
	for _, fellow := range slices.Sorted(maps.Keys(s.fellows)) {
		t := s.fellows[fellow]
		holder, taken := t.owners[key]
		if !taken || holder == owner {
			continue
		}
		id := leaseID{holder, key}
		all = append(all, s.tell(fellow, change{kind: Left, entry: t.entries[id].entry})...)
	}
	return all
}

// endSome drops up to n leases of a fellow.
func (s *story) endSome(t *tale, n int) []change {
	var all []change
	for ; n > 0 && len(t.order) > 0; n-- {
		all = append(all, s.end(t, t.order[len(t.order)-1])...)
	}
	return all
}

// end drops what a fellow told of a lease, as if that had ended there.
func (s *story) end(t *tale, e *told) []change {
	id := e.id()
	before := s.together(id, s.own.find(id))
	t.drop(id)
	return s.difference(change{kind: Expired, entry: e.entry}, before, s.together(id, s.own.find(id)))
}

// together is what all say of a lease, with what the own table is to say of it; nil
// if nobody has it.
func (s *story) together(id leaseID, own *entry) *entry {
	found := own
	for _, t := range s.fellows {
		e := t.entries[id]
		switch {
		case e == nil:
		case found == nil:
			found = &e.entry
		default:
			both := merge(*found, e.entry)
			found = &both
		}
	}
	return found
}

// difference tells watchers how what all say of a lease has changed. What is hidden
// is nobody's business: it is as if it were not there.
func (s *story) difference(c change, before, after *entry) []change {
	s.people.count(before, -1)
	others := s.people.of(c.entry.claim.peer)
	s.people.count(after, 1)
	if before != nil && before.claim.hidden {
		before = nil
	}
	if after != nil && after.claim.hidden {
		after = nil
	}
	switch {
	case before == nil && after == nil:
		return nil
	case before == nil:
		return []change{{kind: Joined, entry: *after, others: others}}
	case after == nil:
		gone := change{kind: Left, entry: *before, removal: c.removal, parted: before.online, others: others}
		gone.entry.online = false
		if c.kind == Expired {
			gone.kind = Expired
		}
		return []change{gone}
	case before.online && !after.online:
		return []change{{kind: Away, entry: *after, parted: true}}
	case after.claim.seq != before.claim.seq, after.online && !before.online,
		before.unconfirmed != after.unconfirmed, before.detached != after.detached:
		return []change{{kind: Updated, entry: *after}}
	}
	return nil
}

// shown gives what is known of a lease the end that is known of it: a fellow that is
// heard will say when it ends.
func (s *story) shown(now time.Time, e *entry) entry {
	shown := *e
	for _, t := range s.fellows {
		if t.entries[e.id()] == nil {
			continue
		}
		shown.expires = max(shown.expires, momentOf(t.believed(now, s.own.lease)))
	}
	return shown
}

// size is how many leases are told of, by all together: those that are hidden too, and
// one as often as it is told.
func (s *story) size() int {
	n := s.own.leases.Len()
	for _, t := range s.fellows {
		n += len(t.order)
	}
	return n
}

// list returns all that is not hidden, in no order.
func (s *story) list(now time.Time) []entry {
	all := make([]entry, 0, s.own.leases.Len())
	at := momentOf(now)
	s.lists++
	for _, e := range s.own.leases.All() {
		if e.expires > at {
			all = s.listed(all, now, *e)
		}
	}
	for _, t := range s.fellows {
		for _, e := range t.order {
			if e.listed != s.lists {
				all = s.listed(all, now, e.entry)
			}
		}
	}
	return all
}

// listed appends a lease, with what fellows tell of it, unless it is hidden. They are
// asked once each, for that takes most of the time.
func (s *story) listed(all []entry, now time.Time, e entry) []entry {
	if len(s.fellows) > 0 {
		id := e.id()
		for _, t := range s.fellows {
			if told := t.entries[id]; told != nil {
				told.listed = s.lists
				e = merge(e, told.entry)
				e.expires = max(e.expires, momentOf(t.believed(now, s.own.lease)))
			}
		}
	}
	if e.claim.hidden {
		return all
	}
	return append(all, e)
}

// lookup returns the leases on a name: more than one only while servers disagree.
func (s *story) lookup(now time.Time, key nameKey) []entry {
	if key == "" {
		return nil
	}
	var holders []peer.ID
	if owner, taken := s.own.owner(key); taken {
		holders = append(holders, owner)
	}
	for _, t := range s.fellows {
		if owner, taken := t.owners[key]; taken && !slices.Contains(holders, owner) {
			holders = append(holders, owner)
		}
	}
	slices.Sort(holders)
	var all []entry
	for _, holder := range holders {
		if e, ok := s.find(now, leaseID{holder, key}); ok {
			all = append(all, e)
		}
	}
	return all
}

// find returns what is known of one lease.
func (s *story) find(now time.Time, id leaseID) (entry, bool) {
	own := s.own.find(id)
	if own != nil && own.expires <= momentOf(now) {
		own = nil
	}
	e := s.together(id, own)
	if e == nil {
		return entry{}, false
	}
	return s.shown(now, e), true
}
