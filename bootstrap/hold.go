package bootstrap

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

// hold is a lease's state with one server.
type hold struct {
	lease *Lease
	link  *link
	poked chan struct{}

	mu      sync.Mutex // guards what follows
	seq     uint64     // of the claim that the server granted; 0: none
	expires time.Time
	term    names.Term // of the name, as far as it is confirmed
	err     error
}

// Bounds on the time until a server that does not answer is tried again. The
// longest is well under a lease, so that a server that is back knows everybody
// within one.
const (
	firstRetry = time.Second
	lastRetry  = 15 * time.Second
)

// crowd is over how long the clients of a server that was started again come back to
// it: 10,000 of them at some 3,000 a second.
const crowd = 3 * time.Second

// keep renews the lease with one server until it is stopped.
func (h *hold) keep() {
	retry := firstRetry
	var wanted time.Time // when the server wants to be asked again
	timer := time.NewTimer(h.due())
	defer timer.Stop()
	for {
		select {
		case <-h.lease.ctx.Done():
			return
		case <-h.poked:
			// Not all clients of a server that went away at the same moment, nor
			// at once to one that hangs up on every attempt.
			timer.Reset(max(rand.N(max(retry/2, crowd)), time.Until(wanted)))
			continue
		case <-timer.C:
		}
		err := h.tend()
		if err == nil {
			retry = firstRetry
			timer.Reset(h.due())
			continue
		}
		wait := jitter(retry)
		if later := (*laterError)(nil); errors.As(err, &later) {
			after := min(later.after, maxRetryAfter)
			wanted = time.Now().Add(after)
			wait = max(wait, after+rand.N(after/5+1))
		}
		timer.Reset(wait)
		retry = min(2*retry, lastRetry)
	}
}

func (h *hold) poke() {
	select {
	case h.poked <- struct{}{}:
	default:
	}
}

// due is how long to wait for the next renewal: a third of the lease, or nothing
// when there is none.
func (h *hold) due() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.seq == 0 {
		return jitter(firstRetry / 2)
	}
	return jitter(max(0, time.Until(h.expires)) / 3)
}

// jitter spreads a wait over nine to eleven tenths of it.
func jitter(d time.Duration) time.Duration { return d*9/10 + rand.N(d/5+1) }

// tend renews the lease, or registers when the server does not have it or not with
// the newest record.
func (h *hold) tend() error {
	ctx := h.lease.ctx
	claim, err := h.lease.current(0)
	if err != nil {
		return err
	}
	h.mu.Lock()
	renew := h.seq == claim.seq
	h.mu.Unlock()
	if renew {
		granted, err := h.link.renew(ctx, h.lease.name)
		if !errors.Is(err, ErrNotRegistered) {
			return h.note(claim.seq, granted, err)
		}
	}
	_, err = h.register(ctx)
	return err
}

// register claims the name at the server.
func (h *hold) register(ctx context.Context) (fresh bool, err error) {
	claim, err := h.lease.current(0)
	if err != nil {
		return false, err
	}
	granted, fresh, err := h.link.register(ctx, claim)
	if stale := (*staleError)(nil); errors.As(err, &stale) {
		// A clock that went back: the server says what to exceed. Or it is that far
		// behind the server's that the signature has expired.
		newer, unsigned := h.lease.current(max(stale.seq, claim.seq))
		if unsigned != nil {
			return false, h.note(claim.seq, granted, unsigned)
		}
		claim = newer
		granted, fresh, err = h.link.register(ctx, claim)
	}
	return fresh, h.note(claim.seq, granted, err)
}

// drop forgets what the server granted.
func (h *hold) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq, h.term = 0, names.Term{}
}

// note keeps how an attempt ended, and says once when a server begins to refuse.
func (h *hold) note(seq uint64, granted grant, err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if refusal(err) && !refusal(h.err) {
		h.lease.client.log.Warn("a bootstrap server refuses a name", "name", h.lease.name, "server", h.link.info.ID, "err", err)
	}
	h.err = err
	switch {
	case err == nil:
		now := time.Now()
		h.seq, h.expires = seq, now.Add(granted.lease)
		// An answer that confirms nothing takes nothing back.
		if granted.term.Left(now) > h.term.Left(now) {
			h.term = granted.term
		}
	case errors.Is(err, ErrNameTaken):
		h.seq, h.term = 0, names.Term{}
	case refusal(err):
		h.seq = 0 // what was granted for a term stays granted
	}
	return err
}
