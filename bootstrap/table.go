package bootstrap

import (
	"fmt"
	"iter"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/alarm"
	"github.com/grapevine-p2p/grapevine/internal/index"
)

// change is a change as the table makes it, before it has a revision.
type change struct {
	kind    ChangeKind
	entry   entry
	was     *entry // before the change; nil: it was not there
	removal *claim // the owner's word, when it removed the registration
	parted  bool   // its owner was online under it, and is no longer
	others  shown  // its owner's other leases
}

// retold is the kind of change that only servers tell each other: of what a peer
// tells of itself.
const retold ChangeKind = 6

// undo takes a grant or a removal back, after those that followed it were taken
// back, and returns what changes by that.
type undo func() []change

// table is the leases of one server: who is registered, under which name, until
// when. It is a pure function of the calls and of the times given in them, which
// must not go back; it has no lock. Claims handed to it are verified. To whom a
// name belongs is decided elsewhere; the table sees to it that nobody is listed
// under the name of another.
type table struct {
	lease  time.Duration
	limits Limits
	peers  *index.Index[peer.ID, *entry] // the first of each, which leads to the others
	named  *index.Index[nameKey, *entry] // those whose names are not empty
	places map[netip.Prefix]int          // registrations from an address or a subnet
	leases alarm.Heap[*entry, moment]
	due    due
	size   int // bytes that the entries take, as costOf reckons
	spared int // leases that were not ended when they would have, in all
}

func newTable(lease time.Duration, limits Limits) *table {
	return &table{
		lease:  lease,
		limits: limits,
		peers:  index.New(func(e *entry) peer.ID { return e.claim.peer }),
		named:  index.New(func(e *entry) nameKey { return e.claim.key }),
		places: make(map[netip.Prefix]int),
		due:    due{step: max(1, lease/dueSteps), counts: make(map[int64]int)},
	}
}

// of yields the entries of a peer. They may be dropped meanwhile.
func (t *table) of(id peer.ID) iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for e := t.peers.Get(id); e != nil; {
			next := e.next
			if !yield(e) {
				return
			}
			e = next
		}
	}
}

// find returns the entry of a lease; nil if there is none.
func (t *table) find(id leaseID) *entry {
	for e := t.peers.Get(id.peer); e != nil; e = e.next {
		if e.claim.key == id.key {
			return e
		}
	}
	return nil
}

// owner returns who is listed under a name.
func (t *table) owner(key nameKey) (id peer.ID, taken bool) {
	e := t.named.Get(key)
	if e == nil {
		return "", false
	}
	return e.claim.peer, true
}

// length is how long a lease granted now runs. Beyond the rate of renewals that the
// server takes on it grows with their number.
func (t *table) length(detached bool) time.Duration {
	least := t.lease
	if detached {
		least = max(least, detachedLease)
	}
	return max(least, time.Duration(t.leases.Len())*renewalsPerLease*time.Second/maxRenewals)
}

// until is when a lease ends that is granted or renewed now: not after its record, for
// nobody would believe what is told of it then.
func (t *table) until(now time.Time, c *claim, detached bool) moment {
	return momentOf(now).add(max(0, min(t.length(detached), c.left(now))))
}

// grant takes a claim. The same claim again renews the lease; a newer one of the
// same peer and name replaces the old.
func (t *table) grant(now time.Time, c *claim, m manner) (fresh bool, changes []change, undo undo, err error) {
	changes = t.expire(now)
	if c.removed {
		return false, changes, nil, fmt.Errorf("%w: the record gives the name up", ErrMalformed)
	}
	if err := c.expired(now); err != nil {
		return false, changes, nil, err // it was when it came
	}
	id := leaseID{c.peer, c.key}
	if e := t.find(id); e != nil {
		same := e.claim.same(c)
		if c.seq < e.claim.seq || c.seq == e.claim.seq && !same {
			return false, changes, nil, &staleError{e.claim.seq}
		}
		if err := t.admits(now, c, m); err != nil {
			return false, changes, nil, err
		}
		was, ends := *e, momentOf(now).add(e.claim.left(now))
		t.change(e, func() {
			if !same {
				e.claim = c
			}
			e.detached = m.detached
		})
		t.confirm(id, m.confirmed)
		t.place(e, -1)
		e.from = m.origin()
		t.place(e, 1)
		t.tell(e, m.self)
		t.extend(now, e)
		if !same || !was.online || was.unconfirmed || was.detached != e.detached {
			changes = append(changes, change{kind: Updated, entry: *e, was: &was})
		}
		return false, changes, func() []change {
			if t.find(id) != e || same {
				return nil
			}
			is := *e
			t.change(e, func() {
				e.claim = was.claim
				e.expires = min(e.expires, ends)
			})
			t.hasten(e)
			return []change{{kind: Updated, entry: *e, was: &is}}
		}, nil
	}
	if e := t.named.Get(c.key); e != nil {
		return false, changes, nil, &NameTakenError{Name: c.name, Owner: e.claim.peer, Until: e.expires.time()}
	}
	if err := t.admits(now, c, m); err != nil {
		return false, changes, nil, err
	}
	e := &entry{
		claim: c, since: momentOf(now), expires: t.until(now, c, m.detached),
		online: true, detached: m.detached, from: m.origin(), confirmed: m.confirmed,
	}
	t.insert(e)
	t.tell(e, m.self)
	return true, append(changes, change{kind: Joined, entry: *e}), func() []change {
		if t.find(id) != e {
			return nil
		}
		was := *e
		t.drop(id)
		return []change{{kind: Left, entry: was, was: &was}}
	}, nil
}

// restore puts back what was granted before the server started; false if the limits were
// lowered and there is no room for it. Its owner is away and has one lease to renew.
func (t *table) restore(now time.Time, c *claim, m manner, since time.Time) bool {
	t.drop(leaseID{c.peer, c.key})
	if owner, taken := t.owner(c.key); taken {
		t.drop(leaseID{owner, c.key})
	}
	if t.leases.Len() >= t.limits.Registrations || t.size+costOf(c, self{}) > t.limits.granted() {
		return false
	}
	t.insert(&entry{
		claim: c, since: momentOf(since), expires: t.until(now, c, m.detached),
		unconfirmed: true, spared: true, detached: m.detached,
	})
	return true
}

// renew begins the lease anew. What the peer tells of itself is nil if that is
// nothing new.
func (t *table) renew(now time.Time, id leaseID, told *self) ([]change, error) {
	changes := t.expire(now)
	e := t.find(id)
	if e == nil || e.claim.expired(now) != nil {
		return changes, ErrNotRegistered // what its owner signs next is a registration
	}
	was := *e
	t.extend(now, e)
	if told != nil {
		t.tell(e, *told)
	}
	switch {
	case !was.online || was.unconfirmed:
		changes = append(changes, change{kind: Updated, entry: *e, was: &was})
	case told != nil && !was.told().same(e.told()):
		changes = append(changes, change{kind: retold, entry: *e, was: &was})
	}
	return changes, nil
}

// extend begins a lease anew because its owner was heard from.
func (t *table) extend(now time.Time, e *entry) {
	t.change(e, func() {
		e.expires = t.until(now, e.claim, e.detached)
		e.online, e.unconfirmed, e.spared = true, false, false
	})
	t.hasten(e)
}

// hasten lets the alarm of a lease ring no later than the lease ends.
func (t *table) hasten(e *entry) {
	if e.Rings() > e.expires {
		t.leases.Set(e, e.expires)
	}
}

// tell keeps what a peer tells of itself, as far as there is memory for it.
func (t *table) tell(e *entry, told self) {
	t.change(e, func() { e.self = t.share(told).kept() })
	if t.size > t.limits.Memory {
		t.change(e, func() { e.self = nil })
	}
}

// share makes the neighbours that are known the same bytes, kept once, and counts the
// others.
func (t *table) share(told self) self {
	told.strangers = 0
	for i, id := range told.neighbours {
		if known := t.peers.Get(id); known != nil {
			told.neighbours[i] = known.claim.peer
		} else {
			told.strangers++
		}
	}
	return told
}

// confirm notes when the last renewal of a name was sent to be granted.
func (t *table) confirm(id leaseID, at time.Time) {
	if e := t.find(id); e != nil && e.confirmed.Before(at) {
		e.confirmed = at
	}
}

// remove gives a name up, by a claim of its owner that says so.
func (t *table) remove(now time.Time, c *claim) (changes []change, undo undo, err error) {
	changes = t.expire(now)
	if !c.removed {
		return changes, nil, fmt.Errorf("%w: the record does not give the name up", ErrMalformed)
	}
	e := t.find(leaseID{c.peer, c.key})
	if e == nil {
		if owner, taken := t.owner(c.key); taken {
			return changes, nil, fmt.Errorf("%w: %s", ErrNotOwner, owner)
		}
		return changes, nil, ErrNotRegistered
	}
	if c.seq <= e.claim.seq {
		return changes, nil, &staleError{e.claim.seq}
	}
	was := *e
	t.drop(e.id())
	return append(changes, change{kind: Left, entry: was, was: &was, removal: c}), func() []change {
		t.insert(e)
		return []change{{kind: Joined, entry: *e}}
	}, nil
}

// end drops a lease without a word of its owner.
func (t *table) end(id leaseID) []change {
	e := t.find(id)
	if e == nil {
		return nil
	}
	was := *e
	t.drop(id)
	return []change{{kind: Left, entry: was, was: &was}}
}

// oust drops the lease on a name of anybody but the peer to whom it belongs.
func (t *table) oust(key nameKey, owner peer.ID) []change {
	if holder, taken := t.owner(key); taken && holder != owner {
		return t.end(leaseID{holder, key})
	}
	return nil
}

// presence notes that a peer's connection came or went. That of a detached one says
// nothing.
func (t *table) presence(now time.Time, id peer.ID, online bool) []change {
	changes := t.expire(now)
	for e := range t.of(id) {
		if e.online == online || e.detached && !online {
			continue
		}
		was := *e
		e.online = online
		kind := Away
		if online {
			kind = Updated
		}
		changes = append(changes, change{kind: kind, entry: *e, was: &was})
	}
	return changes
}

// expire removes the leases that have ended by now. When many would end together,
// it doubts itself first.
func (t *table) expire(now time.Time) []change {
	var changes []change
	at := momentOf(now)
	for e, some := t.leases.First(); some && e.Rings() <= at; e, some = t.leases.First() {
		if e.expires > at {
			t.leases.Set(e, e.expires)
			continue
		}
		if !e.spared && t.doubtful(now) {
			changes = append(changes, t.spare(now)...)
			continue
		}
		was := *e
		t.drop(e.id())
		e.online = false
		changes = append(changes, change{kind: Expired, entry: *e, was: &was})
	}
	return changes
}

// next is when expire may have something to do.
func (t *table) next() (time.Time, bool) {
	first, some := t.leases.First()
	if !some {
		return time.Time{}, false
	}
	return first.Rings().time(), true
}

// list returns all leases, in no order.
func (t *table) list(now time.Time) []entry {
	all := make([]entry, 0, t.leases.Len())
	for _, e := range t.leases.All() {
		if e.expires > momentOf(now) {
			all = append(all, *e)
		}
	}
	return all
}
