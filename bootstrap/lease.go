package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Lease is a registration that renews itself with every server until it is
// released or its client is closed. A server that was down gets it when it is back.
type Lease struct {
	client *Client
	name   string
	key    nameKey
	holds  []*hold // one for each server
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu    sync.Mutex // guards what follows
	claim *claim     // what the servers are told now
	addrs []ma.Multiaddr
}

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

// LeaseStatus is the state of a lease with one server.
type LeaseStatus struct {
	Server peer.ID
	// Held tells that the server granted the lease and that it has not expired.
	Held bool
	// Expires is when it ends if it is not renewed.
	Expires time.Time
	// Err is why the server did not grant or renew it last time.
	Err error
}

// Register claims a name for this peer, or with an empty name lists it as online.
// It returns when every server that answers has granted it; those that do not get
// it when they are back. When one of them refuses, what the others newly granted is
// given back, and the error is the refusal: ErrNameTaken, with a [NameTakenError]
// that says who has it, or ErrNameInvalid. A name that this client has registered
// already gives the same lease again.
func (c *Client) Register(ctx context.Context, name string) (*Lease, error) {
	l, err := c.register(ctx, name)
	if err != nil {
		return nil, fmt.Errorf("register %q: %w", shorten(name), err)
	}
	return l, nil
}

func (c *Client) register(ctx context.Context, name string) (*Lease, error) {
	key, err := keyOf(name)
	if err != nil {
		return nil, err
	}
	if err := c.begin(); err != nil {
		return nil, err
	}
	defer c.wg.Done()
	ctx, cancel := c.within(ctx)
	defer cancel()
	if err := c.beginNaming(ctx); err != nil {
		return nil, err
	}
	defer c.endNaming()
	c.mu.Lock()
	lease := c.leases[key]
	c.mu.Unlock()
	if lease != nil {
		return lease, nil
	}

	reached := ask(ctx, c.links, func(ctx context.Context, l *link) (entry, error) { return l.lookup(ctx, name, key) })
	claim, err := c.sign(name, key, false, 0)
	if err != nil {
		return nil, err
	}
	// One server after the other, in an order that is the same for everybody, so
	// that of several who want a name at once the first at the first server has it.
	slices.SortFunc(reached, func(a, b answer[entry]) int { return cmp.Compare(a.link.info.ID, b.link.info.ID) })
	lease = newLease(c, name, key, claim)
	var fresh []*link
	var refused error
	held := 0
	for i, a := range reached {
		if a.err == nil && a.value.claim.peer != c.host.ID() {
			refused = &NameTakenError{Name: name, Owner: a.value.claim.peer, Until: a.value.expires}
			break
		}
		if a.err != nil && !errors.Is(a.err, ErrNotRegistered) {
			continue
		}
		h := lease.hold(a.link)
		isNew, err := h.register(ctx)
		reached[i].err = err
		if refusal(err) {
			refused = err
			break
		}
		if isNew {
			fresh = append(fresh, a.link)
		}
		if err == nil {
			held++
		}
	}
	if refused == nil && held > 0 {
		refused = lease.start()
	}
	if refused != nil || held == 0 {
		c.giveBack(ctx, fresh, name, key)
	}
	switch {
	case refused != nil:
		return nil, refused
	case held == 0:
		return nil, noServer(ctx, reached)
	}
	return lease, nil
}

// beginNaming waits until no other call of this client claims or gives up a name.
func (c *Client) beginNaming(ctx context.Context) error {
	select {
	case c.naming <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (c *Client) endNaming() { <-c.naming }

// giveBack undoes what a refused registration took, even if its caller has left.
func (c *Client) giveBack(ctx context.Context, links []*link, name string, key nameKey) {
	if len(links) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeTimeout)
	defer cancel()
	for _, a := range c.remove(ctx, links, name, key) {
		if a.err != nil {
			c.log.Warn("a name is left to expire", "name", name, "server", a.link.info.ID, "err", a.err)
		}
	}
}

// remove tells servers that a name is given up.
func (c *Client) remove(ctx context.Context, links []*link, name string, key nameKey) []answer[struct{}] {
	return ask(ctx, links, func(ctx context.Context, l *link) (struct{}, error) {
		claim, err := c.sign(name, key, true, 0)
		if err != nil {
			return struct{}{}, err
		}
		err = l.remove(ctx, claim)
		if stale := (*staleError)(nil); errors.As(err, &stale) {
			if claim, err = c.sign(name, key, true, stale.seq); err == nil {
				err = l.remove(ctx, claim)
			}
		}
		return struct{}{}, err
	})
}

// Remove gives up a name that this peer holds, with or without a lease of this
// client. It fails with ErrNotOwner for a name of somebody else, with
// ErrNotRegistered when nobody has it, and with ErrNoServer when none answers.
func (c *Client) Remove(ctx context.Context, name string) error {
	if err := c.removeName(ctx, name); err != nil {
		return fmt.Errorf("remove %q: %w", shorten(name), err)
	}
	return nil
}

func (c *Client) removeName(ctx context.Context, name string) error {
	key, err := keyOf(name)
	if err != nil {
		return err
	}
	if err := c.begin(); err != nil {
		return err
	}
	defer c.wg.Done()
	ctx, cancel := c.within(ctx)
	defer cancel()
	if err := c.beginNaming(ctx); err != nil {
		return err
	}
	defer c.endNaming()
	c.mu.Lock()
	lease := c.leases[key]
	delete(c.leases, key)
	c.mu.Unlock()
	if lease != nil {
		lease.stop()
	}
	return removed(ctx, c.remove(ctx, c.links, name, key))
}

// removed is the outcome of a removal: done if a server did it.
func removed(ctx context.Context, all []answer[struct{}]) error {
	done, unknown := false, false
	for _, a := range all {
		switch {
		case a.err == nil:
			done = true
		case errors.Is(a.err, ErrNotRegistered):
			unknown = true
		case errors.Is(a.err, ErrNotOwner):
			return a.err
		}
	}
	switch {
	case done:
		return nil
	case unknown:
		return ErrNotRegistered
	}
	return noServer(ctx, all)
}

func newLease(c *Client, name string, key nameKey, claim *claim) *Lease {
	l := &Lease{client: c, name: name, key: key, claim: claim, addrs: claim.addrs}
	l.ctx, l.cancel = context.WithCancel(c.ctx)
	for _, link := range c.links {
		l.holds = append(l.holds, &hold{lease: l, link: link, poked: make(chan struct{}, 1)})
	}
	return l
}

// start lets the lease keep itself.
func (l *Lease) start() error {
	c := l.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		l.cancel()
		return fmt.Errorf("directory client: %w", ErrClosed)
	}
	c.leases[l.key] = l
	c.wg.Add(len(l.holds))
	for _, h := range l.holds {
		l.wg.Add(1)
		go func() {
			defer c.wg.Done()
			defer l.wg.Done()
			h.keep()
		}()
	}
	return nil
}

// stop ends the keeping and waits for it.
func (l *Lease) stop() {
	l.cancel()
	l.wg.Wait()
}

// Name returns the name as it was registered.
func (l *Lease) Name() string { return l.name }

// Status returns the lease's state with each server.
func (l *Lease) Status() []LeaseStatus {
	all := make([]LeaseStatus, len(l.holds))
	for i, h := range l.holds {
		h.mu.Lock()
		all[i] = LeaseStatus{
			Server: h.link.info.ID, Held: h.seq > 0 && time.Now().Before(h.expires), Expires: h.expires, Err: h.err,
		}
		h.mu.Unlock()
	}
	return all
}

// Err returns nil while at least one server holds the lease and none refuses it. A
// refusal comes when the servers were cut off from each other and another peer took
// the name meanwhile.
func (l *Lease) Err() error {
	if l.ctx.Err() != nil {
		return ErrClosed
	}
	held := false
	e := &noServerError{}
	for _, s := range l.Status() {
		if refusal(s.Err) {
			return s.Err
		}
		held = held || s.Held
		e.servers = append(e.servers, s.Server)
		e.errs = append(e.errs, s.Err)
	}
	if held {
		return nil
	}
	return e
}

// Release gives the name up and returns when the servers that answer know. With
// servers that do not, the lease expires. It fails with ErrNoServer when none
// answers. Later calls do nothing.
func (l *Lease) Release(ctx context.Context) error {
	c := l.client
	if err := c.beginNaming(ctx); err != nil {
		return fmt.Errorf("release %q: %w", l.name, err)
	}
	defer c.endNaming()
	c.mu.Lock()
	mine := c.leases[l.key] == l
	if mine {
		delete(c.leases, l.key)
	}
	c.mu.Unlock()
	l.stop()
	if !mine {
		return nil
	}
	err := removed(ctx, c.remove(ctx, c.links, l.name, l.key))
	if err != nil && !errors.Is(err, ErrNotRegistered) {
		return fmt.Errorf("release %q: %w", l.name, err)
	}
	return nil
}

// Close releases the lease as far as servers answer within two seconds.
func (l *Lease) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTimeout)
	defer cancel()
	return l.Release(ctx)
}

func (l *Lease) hold(link *link) *hold {
	return l.holds[slices.IndexFunc(l.holds, func(h *hold) bool { return h.link == link })]
}

// current returns the claim to hold, signed anew when the host has other addresses,
// when half of the old one's validity is over, or to exceed a sequence number.
func (l *Lease) current(above uint64) (*claim, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fresh := time.Until(l.claim.expires) > recordValidity/2 && l.claim.seq > above
	if fresh && sameAddrs(l.addrs, l.client.host.Addrs()) {
		return l.claim, nil
	}
	claim, err := l.client.sign(l.name, l.key, false, above)
	if err != nil {
		return nil, err
	}
	l.claim, l.addrs = claim, claim.addrs
	return claim, nil
}

func sameAddrs(a, b []ma.Multiaddr) bool {
	if len(a) != len(b) {
		return false
	}
	for _, addr := range a {
		if !ma.Contains(b, addr) {
			return false
		}
	}
	return true
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
			// Not all clients of a server that went away at the same moment.
			timer.Reset(rand.N(firstRetry / 2))
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
		if busy := (*busyError)(nil); errors.As(err, &busy) {
			wait = max(wait, min(busy.after, lastRetry))
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
