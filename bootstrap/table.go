package bootstrap

import (
	"container/heap"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// leaseID is what a lease is on: one name of one peer.
type leaseID struct {
	peer peer.ID
	key  nameKey
}

// entry is one registration. The table changes it under its owner's lock; what
// leaves the table is a snapshot by value, and claims are immutable.
type entry struct {
	claim   *claim
	since   time.Time
	expires time.Time
	online  bool
	// unconfirmed: not heard from since the server was restarted, or suspected
	// itself.
	unconfirmed bool
	detached    bool // its owner does not stay connected
	self        self
	alarm       time.Time // not after expires
	index       int       // in alarms
	place       int       // in order
}

func (e *entry) id() leaseID { return leaseID{e.claim.peer, e.claim.key} }

// change is a change as the table makes it, before it has a revision.
type change struct {
	kind    ChangeKind
	entry   entry
	removal *claim // the owner's word, when it removed the registration
}

// undo takes a grant or a removal back, after those that followed it were taken
// back, and returns what changes by that.
type undo func() []change

// table is the leases of one server: who is registered, under which name, until
// when. It is a pure function of the calls and of the times given in them, which
// must not go back; it has no lock. Claims handed to it are verified.
type table struct {
	lease   time.Duration
	limits  Limits
	entries map[leaseID]*entry
	owners  map[nameKey]peer.ID // of names that are not empty
	peers   map[peer.ID][]*entry
	order   []*entry // all entries, in no order, for sampling
	alarms  alarms
}

func newTable(lease time.Duration, limits Limits) *table {
	return &table{
		lease:   lease,
		limits:  limits,
		entries: make(map[leaseID]*entry),
		owners:  make(map[nameKey]peer.ID),
		peers:   make(map[peer.ID][]*entry),
	}
}

// alarms is a heap of all entries by when their leases may have ended. A renewal
// leaves an alarm where it is; when it rings it is set again.
type alarms []*entry

func (a alarms) Len() int           { return len(a) }
func (a alarms) Less(i, j int) bool { return a[i].alarm.Before(a[j].alarm) }
func (a alarms) Swap(i, j int) {
	a[i], a[j] = a[j], a[i]
	a[i].index, a[j].index = i, j
}

func (a *alarms) Push(x any) {
	e := x.(*entry)
	e.index = len(*a)
	*a = append(*a, e)
}

func (a *alarms) Pop() any {
	last := (*a)[len(*a)-1]
	(*a)[len(*a)-1] = nil
	*a = (*a)[:len(*a)-1]
	return last
}

// grant takes a claim. The same claim again renews the lease; a newer one of the
// same peer and name replaces the old.
func (t *table) grant(now time.Time, c *claim) (fresh bool, changes []change, undo undo, err error) {
	changes = t.expire(now)
	if c.removed {
		return false, changes, nil, fmt.Errorf("%w: the record gives the name up", ErrMalformed)
	}
	id := leaseID{c.peer, c.key}
	if e := t.entries[id]; e != nil {
		same := e.claim.seq == c.seq && string(e.claim.sealed) == string(c.sealed)
		if c.seq < e.claim.seq || c.seq == e.claim.seq && !same {
			return false, changes, nil, &staleError{e.claim.seq}
		}
		old, back := e.claim, !e.online
		e.expires = now.Add(t.lease)
		e.online = true
		e.claim = c
		if !same || back {
			changes = append(changes, change{kind: Updated, entry: *e})
		}
		return false, changes, func() []change {
			if t.entries[id] != e || same {
				return nil
			}
			e.claim = old
			return []change{{kind: Updated, entry: *e}}
		}, nil
	}
	if owner, taken := t.owners[c.key]; taken && c.key != "" {
		return false, changes, nil, &NameTakenError{
			Name: c.name, Owner: owner, Until: t.entries[leaseID{owner, c.key}].expires,
		}
	}
	if len(t.entries) >= t.limits.Registrations {
		return false, changes, nil, fmt.Errorf("%w: %d registrations", ErrFull, len(t.entries))
	}
	if n := len(t.peers[c.peer]); n >= t.limits.RegistrationsPerPeer {
		return false, changes, nil, fmt.Errorf("%w: a peer has at most %d names", ErrFull, n)
	}
	e := &entry{claim: c, since: now, expires: now.Add(t.lease), online: true}
	t.insert(e)
	return true, append(changes, change{kind: Joined, entry: *e}), func() []change {
		if t.entries[id] != e {
			return nil
		}
		t.drop(id)
		return []change{{kind: Left, entry: *e}}
	}, nil
}

// restore puts back what was granted before the server started. Its owner is away
// and has one lease to renew.
func (t *table) restore(now time.Time, c *claim, since time.Time) {
	id := leaseID{c.peer, c.key}
	t.drop(id)
	if c.key != "" {
		if owner, taken := t.owners[c.key]; taken {
			t.drop(leaseID{owner, c.key})
		}
	}
	t.insert(&entry{claim: c, since: since, expires: now.Add(t.lease)})
}

// renew begins the lease anew.
func (t *table) renew(now time.Time, id leaseID) ([]change, error) {
	changes := t.expire(now)
	e := t.entries[id]
	if e == nil {
		return changes, ErrNotRegistered
	}
	e.expires = now.Add(t.lease)
	if !e.online {
		e.online = true
		changes = append(changes, change{kind: Updated, entry: *e})
	}
	return changes, nil
}

// remove gives a name up, by a claim of its owner that says so.
func (t *table) remove(now time.Time, c *claim) (changes []change, undo undo, err error) {
	changes = t.expire(now)
	if !c.removed {
		return changes, nil, fmt.Errorf("%w: the record does not give the name up", ErrMalformed)
	}
	e := t.entries[leaseID{c.peer, c.key}]
	if e == nil {
		if owner, taken := t.owners[c.key]; taken {
			return changes, nil, fmt.Errorf("%w: %s", ErrNotOwner, owner)
		}
		return changes, nil, ErrNotRegistered
	}
	if c.seq <= e.claim.seq {
		return changes, nil, &staleError{e.claim.seq}
	}
	t.drop(e.id())
	return append(changes, change{Left, *e, c}), func() []change {
		t.insert(e)
		return []change{{kind: Joined, entry: *e}}
	}, nil
}

// end drops a lease without a word of its owner: the store says that it ended.
func (t *table) end(id leaseID) { t.drop(id) }

// presence notes that a peer's connection came or went.
func (t *table) presence(now time.Time, id peer.ID, online bool) []change {
	changes := t.expire(now)
	for _, e := range t.peers[id] {
		if e.online == online {
			continue
		}
		e.online = online
		kind := Away
		if online {
			kind = Updated
		}
		changes = append(changes, change{kind: kind, entry: *e})
	}
	return changes
}

// expire removes the leases that have ended by now.
func (t *table) expire(now time.Time) []change {
	var changes []change
	for len(t.alarms) > 0 && !t.alarms[0].alarm.After(now) {
		e := t.alarms[0]
		if e.expires.After(now) {
			e.alarm = e.expires
			heap.Fix(&t.alarms, 0)
			continue
		}
		e.online = false
		t.drop(e.id())
		changes = append(changes, change{kind: Expired, entry: *e})
	}
	return changes
}

// next is when expire may have something to do.
func (t *table) next() (time.Time, bool) {
	if len(t.alarms) == 0 {
		return time.Time{}, false
	}
	return t.alarms[0].alarm, true
}

// lookup finds who holds a name.
func (t *table) lookup(now time.Time, key nameKey) (entry, error) {
	owner, taken := t.owners[key]
	if taken {
		if e := t.entries[leaseID{owner, key}]; e.expires.After(now) {
			return *e, nil
		}
	}
	return entry{}, ErrNotRegistered
}

// list returns all leases, in no order.
func (t *table) list(now time.Time) []entry {
	all := make([]entry, 0, len(t.order))
	for _, e := range t.order {
		if e.expires.After(now) {
			all = append(all, *e)
		}
	}
	return all
}

// sample returns up to n leases of different peers other than except, at random,
// those of peers that are online first.
func (t *table) sample(now time.Time, rng *rand.Rand, n int, except peer.ID) []entry {
	var online, away []entry
	seen := map[peer.ID]bool{except: true}
	for _, i := range spread(rng, len(t.order), n) {
		e := t.order[i]
		if !e.expires.After(now) || seen[e.claim.peer] || len(e.claim.addrs) == 0 {
			continue
		}
		seen[e.claim.peer] = true
		if e.online {
			online = append(online, *e)
		} else {
			away = append(away, *e)
		}
	}
	all := append(online, away...)
	return all[:min(n, len(all))]
}

// spread returns distinct indexes below size in random order: several times as
// many as are wanted, because some will not do, but never so many that a big
// table costs more than a small one.
func spread(rng *rand.Rand, size, wanted int) []int {
	tries := 8 * wanted
	if size <= 4*tries {
		return rng.Perm(size)
	}
	picked := make([]int, 0, tries)
	seen := make(map[int]bool, tries)
	for len(picked) < tries {
		if i := rng.IntN(size); !seen[i] {
			seen[i] = true
			picked = append(picked, i)
		}
	}
	return picked
}

func (t *table) insert(e *entry) {
	t.entries[e.id()] = e
	if e.claim.key != "" {
		t.owners[e.claim.key] = e.claim.peer
	}
	t.peers[e.claim.peer] = append(t.peers[e.claim.peer], e)
	e.place = len(t.order)
	t.order = append(t.order, e)
	e.alarm = e.expires
	heap.Push(&t.alarms, e)
}

func (t *table) drop(id leaseID) {
	e := t.entries[id]
	if e == nil {
		return
	}
	delete(t.entries, id)
	if id.key != "" {
		delete(t.owners, id.key)
	}
	rest := slices.DeleteFunc(t.peers[id.peer], func(other *entry) bool { return other == e })
	if len(rest) == 0 {
		delete(t.peers, id.peer)
	} else {
		t.peers[id.peer] = rest
	}
	last := len(t.order) - 1
	t.order[e.place] = t.order[last]
	t.order[e.place].place = e.place
	t.order[last] = nil
	t.order = t.order[:last]
	heap.Remove(&t.alarms, e.index)
}

// check finds what must never be; tests call it after every step.
func (t *table) check() error {
	if len(t.order) != len(t.entries) || len(t.alarms) != len(t.entries) {
		return errors.New("order, alarms and entries differ")
	}
	names := 0
	for id, e := range t.entries {
		if e.id() != id || t.order[e.place] != e || t.alarms[e.index] != e || e.alarm.After(e.expires) {
			return fmt.Errorf("entry %v is out of place", id)
		}
		if id.key == "" {
			continue
		}
		names++
		if t.owners[id.key] != id.peer {
			return fmt.Errorf("name %q is held by two", id.key)
		}
	}
	if names != len(t.owners) {
		return errors.New("a name without a lease")
	}
	perPeer := 0
	for _, entries := range t.peers {
		perPeer += len(entries)
	}
	if perPeer != len(t.entries) {
		return errors.New("peers and entries differ")
	}
	return nil
}
