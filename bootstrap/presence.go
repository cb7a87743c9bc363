package bootstrap

import (
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// disconnected marks a peer away when its last connection is gone.
func (s *Server) disconnected(id peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.connected(id) {
		s.note(s.table.presence(time.Now(), id, false))
	}
}

func (s *Server) connected(id peer.ID) bool {
	switch s.Host.Network().Connectedness(id) {
	case network.Connected, network.Limited:
		return true
	}
	return false
}

// expire ends leases when their time has come. What lost fellows told ends no faster
// than watchers can hear.
func (s *Server) expire() {
	defer s.wg.Done()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var rested time.Time
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		s.mu.Lock()
		now := time.Now()
		s.note(s.table.expire(now))
		if !now.Before(rested) {
			changes := s.story.expire(now)
			s.journal.add(changes...)
			rested = now.Add(adoptRest(len(changes), s.watchers, s.journal.turns.kept.Load()))
		}
		next, some := s.table.next()
		sooner := func(at time.Time) {
			if !some || at.Before(next) {
				next, some = at, true
			}
		}
		if lost, any := s.story.next(); any && lost.Before(rested) {
			sooner(rested)
		} else if any {
			sooner(lost)
		}
		unstored := len(s.ended) > 0
		if unstored && now.Before(s.storeAgain) {
			sooner(s.storeAgain)
			unstored = false
		}
		s.mu.Unlock()
		if unstored {
			s.poke()
		}
		if some {
			timer.Reset(next.Sub(now))
		} else {
			timer.Stop()
		}
	}
}

// alarm tells expire that there may be a new first lease to end.
func (s *Server) alarm() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}
