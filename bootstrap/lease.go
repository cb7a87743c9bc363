package bootstrap

import (
	"context"
	"errors"
	"fmt"
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

// LeaseStatus is the state of a lease with one server.
type LeaseStatus struct {
	Server peer.ID
	// Held tells that the server granted the lease and that it has not expired.
	Held bool
	// Expires is when it ends if it is not renewed.
	Expires time.Time
	// Until is until when this server has confirmed the name as this peer's; zero
	// while it confirms nothing, as without a majority of the servers.
	Until time.Time
	// Err is why the server did not grant or renew it last time.
	Err error
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

// stop ends the keeping and waits for it. From here on the name is this peer's no
// more for certain: what follows may give it up.
func (l *Lease) stop() {
	l.cancel()
	l.wg.Wait()
	for _, h := range l.holds {
		h.drop()
	}
}

// Name returns the name as it was registered.
func (l *Lease) Name() string { return l.name }

// Status returns the lease's state with each server.
func (l *Lease) Status() []LeaseStatus {
	now := time.Now()
	all := make([]LeaseStatus, len(l.holds))
	for i, h := range l.holds {
		h.mu.Lock()
		all[i] = LeaseStatus{
			Server: h.link.info.ID, Held: h.seq > 0 && now.Before(h.expires), Expires: h.expires, Err: h.err,
		}
		if left := h.term.Left(now); left > 0 {
			all[i].Until = now.Add(left)
		}
		h.mu.Unlock()
	}
	return all
}

// Until returns until when the name is this peer's for certain: nobody else has it
// before, whatever happens to the servers, this machine's clock or the connection.
// Renewals move it on, as long as some server answers this peer and is heard by a
// majority of the servers. It is zero once that time is over or the lease is released,
// for a name that was never confirmed, and for the empty name, which is nobody's. It
// is for a peer that does what only the holder of a name may do; at zero it stops.
func (l *Lease) Until() time.Time {
	var latest time.Time
	for _, s := range l.Status() {
		if errors.Is(s.Err, ErrNameTaken) {
			return time.Time{}
		}
		if s.Until.After(latest) {
			latest = s.Until
		}
	}
	return latest
}

// Err returns nil while at least one server holds the lease, none refuses it and the
// name is confirmed. A refusal comes when another peer took the name, while this one
// was silent for too long. ErrNoMajority says that the peer is listed, and that
// nobody can confirm its name.
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
	switch {
	case !held:
		return e
	case l.name != "" && l.Until().IsZero():
		return fmt.Errorf("name %q is not confirmed: %w", l.name, ErrNoMajority)
	}
	return nil
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

// Close releases the lease as far as servers answer within two seconds. It may be
// called more than once, and after the client's Close.
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
	fresh := time.Until(l.claim.expires.time()) > recordValidity/2 && l.claim.seq > above
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

// moved reports whether the host has other addresses than the claim.
func (l *Lease) moved() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !sameAddrs(l.addrs, l.client.host.Addrs())
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
