package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// Register claims a name for this peer, or with an empty name lists it as online.
// The servers of a federation grant names together, so the word of the first that
// answers is that of all; the others are told too, those that are down when they are
// back. Register returns when every server that answers knows. When one of them
// refuses, what others newly granted is given back, and the error is the refusal:
// ErrNameTaken, with a [NameTakenError] that says who has it, or ErrNameInvalid. It
// fails with ErrNoMajority when too few servers of the federation are there to
// grant names. A name that this client has registered already gives the same lease
// again.
func (c *Client) Register(ctx context.Context, name string) (*Lease, error) {
	l, err := c.register(ctx, name)
	switch {
	case err == nil:
		return l, nil
	case name == "":
		return nil, fmt.Errorf("register: %w", err)
	default:
		return nil, fmt.Errorf("register %q: %w", shorten(name), err)
	}
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

	claim, err := c.sign(name, key, false, 0)
	if err != nil {
		return nil, err
	}
	lease = newLease(c, name, key, claim)
	fresh, err := c.claim(ctx, lease)
	if err == nil {
		err = lease.start()
	}
	if err != nil {
		c.giveBack(ctx, fresh, name, key)
		return nil, err
	}
	return lease, nil
}

// claim puts a lease's claim to the servers and returns those where it is new. It
// goes to one after the other until one grants it, in an order that is the same for
// everybody: so of several who want a name at once the first at the first server has
// it, also where the servers do not decide together. The others are told at once. It
// fails when one refuses, or none grants.
func (c *Client) claim(ctx context.Context, lease *Lease) (fresh []*link, err error) {
	// A question that costs nothing tells who is there.
	reached := ask(ctx, c.links, func(ctx context.Context, l *link) (bool, error) {
		_, err := l.lookup(ctx, lease.name, lease.key)
		if errors.Is(err, ErrNotRegistered) {
			err = nil
		}
		return false, err
	})
	slices.SortFunc(reached, func(a, b answer[bool]) int { return cmp.Compare(a.link.info.ID, b.link.info.ID) })
	put := func(ctx context.Context, l *link) (bool, error) { return lease.hold(l).register(ctx) }
	var all, answers []answer[bool]
	var others []*link
	granted, refused := false, false
	for _, a := range reached {
		switch {
		case a.err != nil:
			all = append(all, a)
		case granted:
			others = append(others, a.link)
		case !refused:
			isNew, err := put(ctx, a.link)
			answers = append(answers, answer[bool]{a.link, isNew, err})
			granted, refused = err == nil, refusal(err)
		}
	}
	answers = append(answers, ask(ctx, others, put)...)
	for _, a := range answers {
		if a.value {
			fresh = append(fresh, a.link)
		}
		if refusal(a.err) && err == nil {
			err = a.err
		}
	}
	if err == nil && !granted {
		err = ungranted(ctx, append(all, answers...))
	}
	return fresh, err
}

// ungranted is the error when no server granted a claim and none refused it: what
// those said that answered, or that none did.
func ungranted(ctx context.Context, all []answer[bool]) error {
	for _, reason := range [...]error{ErrNoMajority, ErrFull, ErrStorage, ErrBusy} {
		for _, a := range all {
			if errors.Is(a.err, reason) {
				return a.err
			}
		}
	}
	return noServer(ctx, all)
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
