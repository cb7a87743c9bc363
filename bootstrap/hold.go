package bootstrap

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"
)

// hold is a lease's state with one server.
type hold struct {
	lease *Lease
	link  *link
	poked chan struct{}

	mu      sync.Mutex // guards what follows
	seq     uint64     // of the claim that the server granted; 0: none
	expires time.Time
	err     error
}

// Bounds on the time until a server that does not answer is tried again. The
// longest is well under a lease, so that a server that is back knows everybody
// within one.
const (
	firstRetry = time.Second
	lastRetry  = 15 * time.Second
)

// keep renews the lease with one server until it is stopped.
func (h *hold) keep() {
	retry := firstRetry
	timer := time.NewTimer(h.due())
	defer timer.Stop()
	for {
		select {
		case <-h.lease.ctx.Done():
			return
		case <-h.poked:
			// Not all clients of a server that went away at the same moment, nor
			// at once to one that hangs up on every attempt.
			timer.Reset(rand.N(retry / 2))
			continue
		case <-timer.C:
		}
		err := h.tend()
		if err == nil {
			retry = firstRetry
			timer.Reset(h.due())
			continue
		}
		wait := retry
		if later := (*laterError)(nil); errors.As(err, &later) {
			wait = max(wait, min(later.after, lastRetry))
		}
		timer.Reset(jitter(wait))
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
		lease, err := h.link.renew(ctx, h.lease.name)
		if !errors.Is(err, ErrNotRegistered) {
			return h.note(claim.seq, lease, err)
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
	lease, fresh, err := h.link.register(ctx, claim)
	if stale := (*staleError)(nil); errors.As(err, &stale) {
		// A clock that went back: the server says what to exceed.
		if claim, err = h.lease.current(stale.seq); err == nil {
			lease, fresh, err = h.link.register(ctx, claim)
		}
	}
	return fresh, h.note(claim.seq, lease, err)
}

// note keeps how an attempt ended, and says once when a server begins to refuse.
func (h *hold) note(seq uint64, lease time.Duration, err error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if refusal(err) && !refusal(h.err) {
		h.lease.client.log.Warn("a bootstrap server refuses a name", "name", h.lease.name, "server", h.link.info.ID, "err", err)
	}
	h.err = err
	switch {
	case err == nil:
		h.seq, h.expires = seq, time.Now().Add(lease)
	case refusal(err):
		h.seq = 0
	}
	return err
}
