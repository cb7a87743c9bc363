package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/federation"
	"github.com/grapevine-p2p/grapevine/internal/names"
)

// claimName makes a name its peer's on a majority of the servers, and returns from
// when its term counts; the zero time if that is not known. Without a majority a
// name that is known to be the peer's is good enough to be listed under it.
func (s *Server) claimName(ctx context.Context, c *claim, m manner) (fresh bool, began time.Time, err error) {
	holding, held := s.federation.Owner(string(c.key))
	mine := held && holding.Owner == c.peer
	began = time.Now()
	s.mu.Lock()
	err = s.table.admits(began, c, m) // no name for whom there is no room
	if listed := s.table.named.Get(c.key); err == nil && !held && listed != nil && listed.claim.peer != c.peer {
		// The names were lost, or kept by an older version: who is listed comes first.
		err = &NameTakenError{Name: c.name, Owner: listed.claim.peer, Until: listed.expires.time()}
	}
	if err == nil && !held {
		if wait, ok := s.freeNames.take(began, c.peer, m.from); !ok {
			s.counts.busy.Add(1)
			err = busy(wait)
		}
	}
	var confirmed time.Time
	if e := s.table.find(leaseID{c.peer, c.key}); e != nil {
		confirmed = e.confirmed
	}
	s.mu.Unlock()
	if err != nil {
		return false, time.Time{}, err
	}
	if mine && holding.Seq == c.seq && s.termLeft(confirmed, began) > s.Term/2 {
		return false, confirmed, nil
	}
	fresh, err = s.federation.Claim(ctx, names.Claim{
		Key: string(c.key), Skeleton: skeletonOf(c.key), Name: c.name, Owner: c.peer, Seq: c.seq,
		MaxPerOwner: s.Limits.RegistrationsPerPeer, MaxNames: s.Limits.Names,
	})
	err = namingError(err, c, began)
	if errors.Is(err, ErrNoMajority) && mine && holding.Seq <= c.seq {
		return false, confirmed, nil
	}
	return fresh, began, err
}

// share lets a claim use the bytes that the names already take.
func (s *Server) share(c *claim) {
	h, held := s.federation.Owner(string(c.key))
	if !held || h.Owner != c.peer {
		return
	}
	c.peer, c.key = h.Owner, nameKey(h.Key)
	if c.name == h.Name {
		c.name = h.Name
	}
}

// removeName gives a name up on a majority of the servers.
func (s *Server) removeName(ctx context.Context, c *claim) error {
	err := s.federation.Remove(ctx, names.Removal{Key: string(c.key), Owner: c.peer, Seq: c.seq})
	return namingError(err, c, time.Now())
}

// namingError says in this package's words why consensus refused.
func namingError(err error, c *claim, now time.Time) error {
	var taken *names.TakenError
	var stale *names.StaleError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &taken):
		refusal := &NameTakenError{Name: c.name, Owner: taken.Owner, Until: now.Add(taken.Left)}
		if taken.Alike {
			refusal.Like = taken.Name
		}
		return refusal
	case errors.As(err, &stale):
		return &staleError{stale.Seq}
	case errors.Is(err, names.ErrFull):
		return &laterError{full(err.Error()), time.Minute}
	case errors.Is(err, names.ErrNotOwner):
		return fmt.Errorf("%w: %q", ErrNotOwner, shorten(c.name))
	case errors.Is(err, names.ErrNotRegistered):
		return ErrNotRegistered
	case errors.Is(err, names.ErrMalformed):
		return malformed(err.Error())
	case errors.Is(err, federation.ErrBusy):
		return busy(time.Second)
	case errors.Is(err, federation.ErrClosed):
		return ErrClosed
	}
	return &laterError{noMajority(err), majorityRetry}
}

// noMajority says how many servers answer, where the federation decided nothing.
func noMajority(err error) error {
	var few *federation.NoMajorityError
	why := err.Error()
	if errors.As(err, &few) {
		why = fmt.Sprintf("%d of %d", few.Answering, few.Members)
		if few.Answering > few.Members/2 {
			why += ", but nothing was decided in time"
		}
	}
	return fmt.Errorf("%w: %s", ErrNoMajority, why)
}

// termLeft is how long a name is still its holder's for certain.
func (s *Server) termLeft(confirmed, now time.Time) time.Duration {
	if confirmed.IsZero() {
		return 0
	}
	return names.Term{Began: confirmed, Span: s.Term}.Left(now)
}

// namesChanged is told what consensus decided, in order. Who is listed under a name
// that went to somebody else is so no more.
func (s *Server) namesChanged(changes []names.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.granting || changes == nil {
		s.recheck = true // the past is told again, or everything may be different
		return
	}
	now := time.Now()
	for _, c := range changes {
		key := nameKey(c.Holding.Key)
		switch c.Kind {
		case names.Gained:
			s.gained.remember(now, key, c.Holding.Owner)
			s.belongs(now, key, c.Holding.Owner)
		case names.GivenUp:
			id := leaseID{c.Holding.Owner, key}
			s.story.void(id, c.Holding.Seq)
			if e := s.table.find(id); e != nil && e.claim.seq <= c.Holding.Seq {
				s.note(s.table.end(id))
			}
		}
	}
	s.poke()
}

// checkHolders drops who is listed under a name that belongs to somebody else.
func (s *Server) checkHolders() {
	s.mu.Lock()
	s.recheck = false
	keys := make([]nameKey, 0, s.table.named.Len())
	for _, e := range s.table.leases.All() {
		if e.claim.key != "" {
			keys = append(keys, e.claim.key)
		}
	}
	s.mu.Unlock()
	for _, key := range keys {
		s.mu.Lock()
		// Who is not known as a holder claims the name anew when it is heard from.
		if holding, held := s.federation.Owner(string(key)); held {
			s.belongs(time.Now(), key, holding.Owner)
		}
		s.mu.Unlock()
	}
}

// belongs drops who is listed under a name that went to somebody else, as far as this
// server has heard. One whose term runs holds it: what was heard is from before that.
func (s *Server) belongs(now time.Time, key nameKey, owner peer.ID) {
	if e := s.table.named.Get(key); e != nil && s.termLeft(e.confirmed, now) == 0 {
		s.note(s.table.oust(key, owner))
	}
}

// ousted drops who is listed under a name that consensus gave to somebody else.
func (s *Server) ousted(key nameKey, owner peer.ID) {
	s.note(s.table.oust(key, owner))
	s.journal.add(s.story.oust(key, owner)...)
}

// uphold hands the names of peers that were heard from to consensus, well before
// their terms end.
func (s *Server) uphold() {
	defer s.wg.Done()
	ticker := time.NewTicker(min(upholdInterval, s.Term/upholdShare))
	defer ticker.Stop()
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
		s.mu.Lock()
		recheck := s.recheck
		s.mu.Unlock()
		s.listings.tidy(time.Now())
		if recheck {
			s.checkHolders()
		}
		if due := s.dueNames(time.Now()); len(due) > 0 {
			s.renewNames(due)
		}
	}
}

// dueNames returns the claims on names whose terms are to begin anew. Between some and
// some it lets go of mu: who changes places meanwhile may be left out until the next
// round, or come twice.
func (s *Server) dueNames(now time.Time) []*claim {
	var due []*claim
	for at, more := 0, true; more; at += storyBatch {
		s.mu.Lock()
		all := s.table.leases.All()
		for _, e := range all[min(at, len(all)):min(at+storyBatch, len(all))] {
			if e.claim.key != "" && !e.unconfirmed && s.termLeft(e.confirmed, now) < s.Term-s.Term/renewalsPerTerm {
				due = append(due, e.claim)
			}
		}
		more = at+storyBatch < len(all)
		s.mu.Unlock()
	}
	return due
}

func (s *Server) renewNames(due []*claim) {
	ctx, cancel := context.WithTimeout(s.ctx, upholdTimeout)
	defer cancel()
	for batch := range slices.Chunk(due, names.MaxRenewals) {
		renewals := make([]names.Renewal, len(batch))
		for i, c := range batch {
			renewals[i] = names.Renewal{Key: string(c.key), Owner: c.peer}
		}
		began := time.Now()
		lost, err := s.federation.Renew(ctx, renewals)
		if err != nil {
			s.log.Debug("names are not renewed", "count", len(due), "err", err)
			return // the next round begins with them
		}
		s.renewed(ctx, batch, lost, began)
	}
}

// renewed takes note of a batch. A name that nobody holds, as after the names were
// lost or with what an older version kept, is claimed anew.
func (s *Server) renewed(ctx context.Context, batch []*claim, lost []names.Renewal, began time.Time) {
	gone := make(map[leaseID]bool, len(lost))
	for _, l := range lost {
		gone[leaseID{l.Owner, nameKey(l.Key)}] = true
	}
	var reclaim []*claim
	s.mu.Lock()
	for _, c := range batch {
		id := leaseID{c.peer, c.key}
		if gone[id] {
			reclaim = append(reclaim, c)
		} else {
			s.table.confirm(id, began)
		}
	}
	s.mu.Unlock()
	for _, c := range reclaim {
		_, began, err := s.claimName(ctx, c, manner{})
		if errors.Is(err, ErrNoMajority) || errors.Is(err, ErrBusy) {
			continue // the next round begins with it
		}
		id := leaseID{c.peer, c.key}
		s.mu.Lock()
		if err == nil {
			s.table.confirm(id, began)
		} else {
			s.log.Info("a name is not its peer's any more", "name", c.name, "peer", c.peer, "err", err)
			s.note(s.table.end(id))
		}
		s.mu.Unlock()
	}
}
