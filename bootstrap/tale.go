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
	round   uint32    // how often all that the fellow has was taken up
	// since is what the fellow told of since it said all that is being taken up now, and
	// up to which record that is older; nil: all is taken up.
	since map[leaseID]uint64
}

// told is a lease that a fellow tells of.
type told struct {
	entry
	cost   int32  // bytes
	place  int32  // in order
	round  uint32 // of the tale, when it was told
	listed uint32 // the last list that it is in
}

// believed is until when what is told is, unless the fellow tells more.
func (t *tale) believed(now time.Time, lease time.Duration) time.Time {
	if t.lost {
		return t.ends
	}
	return now.Add(lease)
}

func newTale() *tale {
	return &tale{entries: make(map[leaseID]*told), owners: make(map[nameKey]peer.ID)}
}

// put keeps what a fellow tells of a lease, with what its owner tells of itself as far as
// there is memory for it. The same record is kept once, whoever tells of it, and counted
// here unless the own table has it.
func (s *story) put(t *tale, e entry) {
	id, limits, shared := e.id(), s.own.limits, 0
	e.self = s.own.share(e.told()).kept()
	own := s.own.find(id)
	if known := s.together(id, own); known != nil && known.claim.same(e.claim) {
		e.claim = known.claim
	}
	if own != nil && own.claim.same(e.claim) {
		shared = len(e.claim.sealed)
	}
	t.drop(id)
	cost := costOf(e.claim, e.told()) - shared
	if t.size+cost > limits.Memory {
		e.self = nil
		cost = costOf(e.claim, self{}) - shared
	}
	if len(t.order) >= limits.Registrations || t.size+cost > limits.granted() {
		return
	}
	kept := &told{entry: e, cost: int32(cost), place: int32(len(t.order)), round: t.round}
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
	t.size -= int(e.cost)
}
