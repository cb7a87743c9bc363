package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

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
