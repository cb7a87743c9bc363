package bootstrap

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// selves is what peers tell of themselves, for pages: the journal leaves it out,
// for it changes often and watchers have no use for it. It is looked at once in a
// step of the history, and only while somebody looks.
type selves struct {
	mu    sync.Mutex
	step  uint64 // grows each time it is looked at
	at    time.Time
	known map[leaseID]*seen
	shown map[peer.ID]bool // replaced, never changed
}

// seen is what a peer told when that changed last.
type seen struct {
	id    leaseID
	self  self
	step  uint64
	still bool // it is in the list that is being looked through
}

// httpSelf is what a peer tells of itself, in JSON.
type httpSelf struct {
	ID         peer.ID   `json:"id"`
	Key        string    `json:"key,omitempty"`
	Agent      string    `json:"agent,omitempty"`
	RTT        float64   `json:"rtt_ms,omitempty"`
	Neighbours []peer.ID `json:"neighbours,omitempty"`
}

func newSelves() *selves { return &selves{known: make(map[leaseID]*seen)} }

// look asks for the registrations if that is a while ago. It returns the step of its
// last look, and who was registered then and not hidden.
func (v *selves) look(list func() (all *listing, release func())) (step uint64, shown map[peer.ID]bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if now := time.Now(); now.Sub(v.at) > historyStep/2 {
		v.at = now
		all, release := list()
		v.compare(all.entries)
		release()
	}
	return v.step, v.shown
}

// since returns what had changed after a step when it was looked at last, by peer
// and name.
func (v *selves) since(step uint64) []seen {
	v.mu.Lock()
	defer v.mu.Unlock()
	var changed []seen
	for _, one := range v.known {
		if one.step > step {
			changed = append(changed, *one)
		}
	}
	slices.SortFunc(changed, func(a, b seen) int {
		return cmp.Or(cmp.Compare(a.id.peer, b.id.peer), cmp.Compare(a.id.key, b.id.key))
	})
	return changed
}

// compare takes up what differs from what is known. Only shown peers count as
// neighbours.
func (v *selves) compare(entries []entry) {
	v.step++
	for _, one := range v.known {
		one.still = false
	}
	shown := shownPeers(entries)
	v.shown = shown
	for i := range entries[:min(maxShown, len(entries))] {
		e := &entries[i]
		if e.claim.hidden {
			continue
		}
		is := e.told()
		is.neighbours = among(is.neighbours, shown)
		one := v.known[e.id()]
		if one == nil {
			one = &seen{id: e.id(), step: v.step, self: is}
			v.known[e.id()] = one
		}
		if !is.like(one.self) {
			one.self, one.step = is, v.step
		}
		one.still = true
	}
	for id, one := range v.known {
		if !one.still {
			delete(v.known, id)
		}
	}
}

// like reports whether a reader would see no difference: a round trip is never the
// same twice.
func (s self) like(other self) bool {
	near := 2*s.rtt <= 3*other.rtt && 2*other.rtt <= 3*s.rtt
	return near && s.agent == other.agent && slices.Equal(s.neighbours, other.neighbours)
}

func (s *seen) http(open bool) httpSelf {
	told := httpSelf{ID: s.id.peer, Key: string(s.id.key), Agent: s.self.agent, RTT: milliseconds(s.self.rtt)}
	if open {
		told.Neighbours = s.self.neighbours
	}
	return told
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// among returns those of some peers that are shown.
func among(ids []peer.ID, shown map[peer.ID]bool) []peer.ID {
	var all []peer.ID
	for _, id := range ids {
		if shown[id] {
			all = append(all, id)
		}
	}
	return all
}
