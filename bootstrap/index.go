package bootstrap

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
)

func (t *table) insert(e *entry) {
	if e.claim.key != "" {
		t.named.Put(e)
	}
	e.next = t.peers.Get(e.claim.peer)
	t.peers.Put(e)
	t.leases.Push(e, e.expires)
	t.count(e, 1)
	t.place(e, 1)
}

// place counts an entry where it came from.
func (t *table) place(e *entry, n int) {
	if e.from == nil {
		return
	}
	for _, where := range [...]netip.Prefix{*e.from, subnet(*e.from)} {
		if t.places[where] += n; t.places[where] == 0 {
			delete(t.places, where)
		}
	}
}

// change keeps the sums right over a change of an entry.
func (t *table) change(e *entry, change func()) {
	t.count(e, -1)
	change()
	t.count(e, 1)
}

// count adds an entry to the sums, or takes it out of them.
func (t *table) count(e *entry, n int) {
	t.size += n * costOf(e.claim, e.told())
	if !e.spared {
		t.due.add(e.expires, n)
	}
}

func (t *table) drop(id leaseID) {
	e := t.find(id)
	if e == nil {
		return
	}
	if id.key != "" {
		t.named.Delete(id.key)
	}
	t.unlink(e)
	t.leases.Remove(e)
	t.count(e, -1)
	t.place(e, -1)
}

// unlink takes an entry out of those of its peer.
func (t *table) unlink(e *entry) {
	switch first := t.peers.Get(e.claim.peer); {
	case first != e:
		for ; first.next != e; first = first.next {
		}
		first.next = e.next
	case e.next == nil:
		t.peers.Delete(e.claim.peer)
	default:
		t.peers.Put(e.next)
	}
	e.next = nil
}

// check finds what must never be; tests call it after every step.
func (t *table) check() error {
	names, size, places := 0, 0, 0
	due := due{t.due.step, t.due.origin, make(map[int64]int)}
	for _, e := range t.leases.All() {
		id := e.id()
		size += costOf(e.claim, e.told())
		if !e.spared {
			due.add(e.expires, 1)
		}
		if e.from != nil {
			places += 2
		}
		if t.find(id) != e || !t.leases.Has(e) || e.Rings() > e.expires {
			return fmt.Errorf("entry %v is out of place", id)
		}
		if id.key == "" {
			continue
		}
		names++
		if t.named.Get(id.key) != e {
			return fmt.Errorf("name %q is held by two", id.key)
		}
	}
	if names != t.named.Len() {
		return errors.New("a name without a lease")
	}
	if size != t.size || !maps.Equal(due.counts, t.due.counts) {
		return errors.New("the sums are wrong")
	}
	for _, n := range t.places {
		places -= n
	}
	if places != 0 {
		return errors.New("places and entries differ")
	}
	firsts, perPeer := 0, 0
	for _, e := range t.leases.All() {
		if t.peers.Get(e.claim.peer) != e {
			continue
		}
		firsts++
		for range t.of(e.claim.peer) {
			perPeer++
		}
	}
	if firsts != t.peers.Len() || perPeer != t.leases.Len() {
		return errors.New("peers and entries differ")
	}
	return nil
}
