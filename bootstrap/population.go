package bootstrap

import (
	"hash/maphash"

	"github.com/libp2p/go-libp2p/core/peer"
)

// population is how many a server knows, without those that are hidden.
type population struct {
	Peers  int `json:"peers"`
	Online int `json:"online"`
	Names  int `json:"names"`
}

func (s *Server) population() population {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.story.people.population
}

// people are the peers who are shown, counted with each change. Each is known by a hash
// alone, in two thirds of the room: should two ever have the same, they count as one.
type people struct {
	population
	seed maphash.Seed
	each map[uint64]shown
}

// shown is how many leases of one peer are, and under how many of them it is online.
type shown struct{ leases, online int32 }

func newPeople() people { return people{seed: maphash.MakeSeed(), each: make(map[uint64]shown)} }

// count adds what is known of a lease, or takes it off; nil: it was not there, or is gone.
func (p *people) count(e *entry, n int32) {
	if e == nil || e.claim.hidden {
		return
	}
	id := p.hash(e.claim.peer)
	was := p.each[id]
	is := shown{was.leases + n, was.online}
	if e.online {
		is.online += n
	}
	if is.leases == 0 {
		delete(p.each, id)
	} else {
		p.each[id] = is
	}
	p.Peers += some(is.leases) - some(was.leases)
	p.Online += some(is.online) - some(was.online)
	if e.claim.name != "" {
		p.Names += int(n)
	}
}

// of is what is shown of a peer.
func (p *people) of(id peer.ID) shown { return p.each[p.hash(id)] }

func (p *people) hash(id peer.ID) uint64 { return maphash.String(p.seed, string(id)) }

// some is 1 if there are any.
func some(n int32) int { return int(min(1, n)) }
