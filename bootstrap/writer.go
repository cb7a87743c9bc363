package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// write is a claim or a removal on its way to the store.
type write struct {
	claim  *claim // nil: only see to what has ended
	manner manner
	done   chan struct{}
	fresh  bool
	err    error
	undo   undo
}

// commit hands a claim to the writer and returns when what it grants is durable.
func (s *Server) commit(ctx context.Context, c *claim, m manner) (fresh bool, err error) {
	w := &write{claim: c, manner: m, done: make(chan struct{})}
	select {
	case s.writes <- w:
	default:
		return false, busy(time.Second)
	}
	select {
	case <-w.done:
		return w.fresh, w.err
	case <-ctx.Done():
		return false, ctx.Err()
	case <-s.ctx.Done():
		return false, ErrClosed
	}
}

// poke makes the writer store what has ended, if it has nothing else to do.
func (s *Server) poke() {
	select {
	case s.writes <- &write{done: make(chan struct{})}:
	default:
	}
}

// write is the only goroutine that grants and removes: what comes while it waits
// for the disk is the next batch and shares a sync.
func (s *Server) write() {
	defer s.wg.Done()
	for {
		var batch []*write
		select {
		case <-s.ctx.Done():
			return
		case w := <-s.writes:
			batch = append(batch, w)
		}
		for more := true; more && len(batch) < writeBatch; {
			select {
			case w := <-s.writes:
				batch = append(batch, w)
			default:
				more = false
			}
		}
		s.apply(batch)
		for _, w := range batch {
			close(w.done)
		}
		s.alarm()
	}
}

// apply changes the table, then makes the changes durable; when that fails it
// takes them back.
func (s *Server) apply(batch []*write) {
	if err := s.repair(time.Now()); err != nil {
		for _, w := range batch {
			w.err = err
		}
		return
	}
	s.mu.Lock()
	var steps []leaseStep
	now := time.Now()
	for _, w := range batch {
		var changes []change
		switch {
		case w.claim == nil:
			changes = s.table.expire(now)
		case w.claim.removed:
			changes, w.undo, w.err = s.table.remove(now, w.claim)
			if errors.Is(w.err, ErrNotRegistered) {
				s.story.void(leaseID{w.claim.peer, w.claim.key}, w.claim.seq)
			}
		case w.claim.seq <= s.story.removed[leaseID{w.claim.peer, w.claim.key}]:
			// The removal was faster than the claim that it takes back.
			w.err = &staleError{s.story.removed[leaseID{w.claim.peer, w.claim.key}]}
		case s.gained.overtook(w.claim, w.manner.confirmed):
			w.err = busy(time.Second)
		default:
			// Consensus gave the name to this peer.
			s.ousted(w.claim.key, w.claim.peer)
			w.fresh, changes, w.undo, w.err = s.table.grant(now, w.claim, w.manner)
		}
		s.note(changes)
		// What ended comes first, or it would end the grant after it.
		for _, id := range s.ended {
			steps = append(steps, leaseStep{id, nil})
		}
		s.ended = s.ended[:0]
		if w.claim == nil || w.claim.removed || w.err != nil {
			continue
		}
		id := leaseID{w.claim.peer, w.claim.key}
		steps = append(steps, grantStep(s.table.find(id)))
		if !s.connected(id.peer) { // it left while its claim was on the way
			s.note(s.table.presence(now, id.peer, false))
		}
	}
	s.mu.Unlock()
	if len(steps) == 0 {
		return
	}
	err := s.Store.leases.commit(steps)
	if err == nil {
		return
	}
	s.log.Error("registrations cannot be stored", "err", err)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storeFail, s.storeAgain = err, time.Now().Add(storeRetry)
	for _, w := range slices.Backward(batch) {
		if w.undo != nil {
			s.note(w.undo())
		}
		if w.err == nil {
			w.err = &laterError{ErrStorage, storeRetry}
		}
	}
}

// repair tries a store that has failed again, now and then, with all that it ought
// to hold: what it does hold is not known. What ends while that is written is stored
// after it.
func (s *Server) repair(now time.Time) error {
	s.mu.Lock()
	if s.storeFail == nil {
		s.mu.Unlock()
		return nil
	}
	if wait := s.storeAgain.Sub(now); wait > 0 {
		s.mu.Unlock()
		return &laterError{ErrStorage, wait}
	}
	all := make([]leaseStep, s.table.leases.Len())
	for i, e := range s.table.leases.All() {
		all[i] = grantStep(e)
	}
	s.ended = s.ended[:0]
	s.mu.Unlock()
	err := s.Store.leases.replace(all)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.storeFail, s.storeAgain = err, now.Add(storeRetry)
		return &laterError{ErrStorage, storeRetry}
	}
	s.storeFail = nil
	s.log.Info("registrations can be stored again")
	return nil
}

// load puts what the store holds back into the table. Its peers are unconfirmed
// until they renew. What is not understood, or beyond the limits, is counted and left out.
func (s *Server) load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	dropped, beyond := 0, 0
	for step, err := range s.Store.leases.all() {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("read the stored registrations: %w", err)
		}
		var stored pb.DirectoryStored
		if err := proto.Unmarshal(step.stored, &stored); err != nil {
			dropped++
			s.ended = append(s.ended, step.id)
			continue
		}
		c, err := openClaim(stored.Record, s.Network, now)
		if err != nil || c.removed || (leaseID{c.peer, c.key}) != step.id {
			dropped++
			s.ended = append(s.ended, step.id)
			continue
		}
		since := time.UnixMilli(stored.SinceUnixMs)
		if since.After(now) {
			since = now
		}
		if !s.table.restore(now, c.slimmed(), manner{detached: stored.Detached}, since) {
			beyond++
			s.ended = append(s.ended, step.id) // or what ends meanwhile would be back some day
		}
	}
	for _, e := range s.table.leases.All() {
		s.story.people.count(e, 1)
	}
	if dropped > 0 {
		s.log.Warn("stored registrations were left out: expired, of another network or not understood", "count", dropped)
	}
	if beyond > 0 {
		s.log.Warn("stored registrations were left out: the limits are lower than they were", "count", beyond)
	}
	return nil
}
