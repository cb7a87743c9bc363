package bootstrap

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// population is how many a server knows, without those that are hidden.
type population struct {
	Peers  int `json:"peers"`
	Online int `json:"online"`
	Names  int `json:"names"`
}

// population counts who is shown, at most once a second.
func (s *Server) population() population {
	h := s.history
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := time.Now(); now.Sub(h.counted) > listingAge {
		h.counted = now
		s.mu.Lock()
		h.people = s.story.count()
		s.mu.Unlock()
	}
	return h.people
}

// count counts who is shown. Only who is known by others alone costs memory.
func (s *story) count() population {
	var p population
	for id := range s.own.peers {
		c := counted{}
		for e := range s.own.of(id) {
			c.add(&p, s.together(e.id(), e))
		}
		c.sum(&p)
	}
	elsewhere := make(map[leaseID]*entry)
	for _, t := range s.fellows {
		for id := range t.entries {
			if s.own.find(id) == nil && elsewhere[id] == nil {
				elsewhere[id] = s.together(id, nil)
			}
		}
	}
	others := make(map[peer.ID]*counted)
	for id, e := range elsewhere {
		if others[id.peer] == nil {
			others[id.peer] = &counted{}
		}
		others[id.peer].add(&p, e)
	}
	for id, c := range others {
		if s.own.peers[id] == nil {
			c.sum(&p)
		}
	}
	return p
}

// counted is what is known of one peer while it is counted.
type counted struct{ shown, online bool }

func (c *counted) add(p *population, e *entry) {
	if e.claim.hidden {
		return
	}
	c.shown = true
	c.online = c.online || e.online
	if e.claim.name != "" {
		p.Names++
	}
}

func (c *counted) sum(p *population) {
	if c.shown {
		p.Peers++
	}
	if c.online {
		p.Online++
	}
}
