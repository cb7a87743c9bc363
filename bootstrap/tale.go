package bootstrap

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// tale is what a fellow tells.
type tale struct {
	entries map[leaseID]*told
	owners  map[nameKey]peer.ID
	order   []*told
	size    int       // bytes that it takes
	lost    bool      // nobody hears it any more, and it is believed until
	ends    time.Time // then
}

// told is a lease that a fellow tells of.
type told struct {
	entry
	cost  int // bytes
	place int // in order
}

func newTale() *tale {
	return &tale{entries: make(map[leaseID]*told), owners: make(map[nameKey]peer.ID)}
}

// put keeps what a fellow tells of a lease, as far as there is memory for it. The
// same record is kept once, whoever tells of it.
func (s *story) put(t *tale, e entry) {
	id := e.id()
	e.self = s.own.share(e.told()).kept()
	cost := costOf(e.claim, e.told())
	if known := s.together(id, s.own.find(id)); known != nil && known.claim.same(e.claim) {
		e.claim = known.claim
		cost -= len(e.claim.sealed)
	}
	t.drop(id)
	if len(t.order) >= s.own.limits.Registrations || t.size+cost > s.own.limits.Memory {
		return
	}
	kept := &told{e, cost, len(t.order)}
	t.entries[id] = kept
	if id.key != "" {
		t.owners[id.key] = id.peer
	}
	t.order = append(t.order, kept)
	t.size += cost
}

func (t *tale) drop(id leaseID) {
	e := t.entries[id]
	if e == nil {
		return
	}
	delete(t.entries, id)
	if t.owners[id.key] == id.peer {
		delete(t.owners, id.key)
	}
	last := len(t.order) - 1
	t.order[e.place] = t.order[last]
	t.order[e.place].place = e.place
	t.order[last] = nil
	t.order = t.order[:last]
	t.size -= e.cost
}
