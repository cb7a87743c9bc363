package bootstrap

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// grace is how long the other servers have once one has answered.
const grace = time.Second

// answer is what one server said.
type answer[T any] struct {
	link  *link
	value T
	err   error
}

// conclusive reports whether the server gave an answer, be it a refusal.
func (a answer[T]) conclusive() bool { return a.err == nil || refusal(a.err) }

// ask puts a question to several servers at once and returns when all have
// answered, or some have and the grace of the others is over. It waits for its
// goroutines.
func ask[T any](ctx context.Context, links []*link, question func(context.Context, *link) (T, error)) []answer[T] {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	answers := make(chan answer[T], len(links))
	for _, l := range links {
		go func() {
			value, err := question(ctx, l)
			answers <- answer[T]{l, value, err}
		}()
	}
	var all []answer[T]
	var over <-chan time.Time
	for len(all) < len(links) {
		select {
		case a := <-answers:
			all = append(all, a)
			if over == nil && a.conclusive() {
				timer := time.NewTimer(grace)
				defer timer.Stop()
				over = timer.C
			}
		case <-over:
			cancel(errSlow)
			over = nil
		}
	}
	return all
}

// askAny asks the servers that are likely to answer, and only when none of them
// does the others.
func askAny[T any](ctx context.Context, c *Client, question func(context.Context, *link) (T, error)) []answer[T] {
	ctx, cancel := c.within(ctx)
	defer cancel()
	var likely, others []*link
	for _, l := range c.links {
		if l.promising() {
			likely = append(likely, l)
		} else {
			others = append(others, l)
		}
	}
	all := ask(ctx, likely, question)
	if len(others) > 0 && !slices.ContainsFunc(all, answer[T].conclusive) {
		all = append(all, ask(ctx, others, question)...)
	}
	return all
}

// noServer is the error when none of the answers is one.
func noServer[T any](ctx context.Context, all []answer[T]) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	e := &noServerError{}
	for _, a := range all {
		e.servers = append(e.servers, a.link.info.ID)
		e.errs = append(e.errs, a.err)
	}
	return e
}

// Lookup returns the registration of a name. It fails with ErrNotRegistered when
// the servers that answer know nobody of that name, with ErrDisagree when they name
// different peers, and with ErrNoServer when none answers.
func (c *Client) Lookup(ctx context.Context, name string) (Record, error) {
	r, err := c.lookup(ctx, name)
	if err != nil {
		return Record{}, fmt.Errorf("look up %q: %w", shorten(name), err)
	}
	return r, nil
}

func (c *Client) lookup(ctx context.Context, name string) (Record, error) {
	key, err := keyOf(name)
	if err != nil {
		return Record{}, err
	}
	if key == "" {
		return Record{}, ErrNotRegistered
	}
	if err := c.begin(); err != nil {
		return Record{}, err
	}
	defer c.wg.Done()
	all := askAny(ctx, c, func(ctx context.Context, l *link) (entry, error) { return l.lookup(ctx, name, key) })
	var found *entry
	unknown := false
	for i, a := range all {
		switch {
		case errors.Is(a.err, ErrNotRegistered):
			unknown = true
		case a.err != nil:
		case found == nil:
			found = &all[i].value
		case found.claim.peer != a.value.claim.peer:
			return Record{}, fmt.Errorf("%w: %s and %s", ErrDisagree, found.claim.peer, a.value.claim.peer)
		default:
			merged := merge(*found, a.value)
			found = &merged
		}
	}
	switch {
	case found != nil:
		return found.record(), nil
	case unknown:
		return Record{}, ErrNotRegistered
	}
	return Record{}, noServer(ctx, all)
}

// Resolve returns where to reach the peer that has a name. It fails as Lookup does.
func (c *Client) Resolve(ctx context.Context, name string) (peer.AddrInfo, error) {
	r, err := c.Lookup(ctx, name)
	return r.Peer, err
}

// List returns the registrations that any server knows, by name and peer, and a
// revision to watch from.
func (c *Client) List(ctx context.Context) (records []Record, revision uint64, err error) {
	if err := c.begin(); err != nil {
		return nil, 0, fmt.Errorf("list: %w", err)
	}
	defer c.wg.Done()
	all := askAny(ctx, c, func(ctx context.Context, l *link) ([]entry, error) { return l.list(ctx) })
	known := make(map[leaseID]entry)
	answered := false
	for _, a := range all {
		if a.err != nil {
			continue
		}
		answered = true
		for _, e := range a.value {
			if old, ok := known[e.id()]; ok {
				e = merge(old, e)
			}
			known[e.id()] = e
		}
	}
	if !answered {
		return nil, 0, fmt.Errorf("list: %w", noServer(ctx, all))
	}
	for _, e := range known {
		records = append(records, e.record())
	}
	slices.SortFunc(records, func(a, b Record) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Peer.ID, b.Peer.ID))
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.revision++
	c.remember(view{c.revision, false, known})
	return records, c.revision, nil
}

// Peers returns some peers that are online, at random and from all servers that
// answer; never this one. It is empty when nobody else is there.
func (c *Client) Peers(ctx context.Context) ([]peer.AddrInfo, error) {
	if err := c.begin(); err != nil {
		return nil, fmt.Errorf("ask for peers: %w", err)
	}
	defer c.wg.Done()
	all := askAny(ctx, c, func(ctx context.Context, l *link) ([]entry, error) { return l.sample(ctx) })
	newest := make(map[peer.ID]entry)
	answered := false
	for _, a := range all {
		if a.err != nil {
			continue
		}
		answered = true
		for _, e := range a.value {
			id := e.claim.peer
			if id != c.host.ID() && len(e.claim.addrs) > 0 && e.claim.seq > newestSeq(newest[id]) {
				newest[id] = e
			}
		}
	}
	if !answered {
		return nil, fmt.Errorf("ask for peers: %w", noServer(ctx, all))
	}
	peers := make([]peer.AddrInfo, 0, len(newest))
	for id, e := range newest {
		peers = append(peers, peer.AddrInfo{ID: id, Addrs: e.claim.addrs})
	}
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	return peers, nil
}

func newestSeq(e entry) uint64 {
	if e.claim == nil {
		return 0
	}
	return e.claim.seq
}

// merge is what two servers together say of one lease.
func merge(a, b entry) entry {
	// Of two records with one number, which no sound program signs, all take the same.
	if b.claim.seq > a.claim.seq || b.claim.seq == a.claim.seq && b.claim.sealed > a.claim.sealed {
		a.claim = b.claim
	}
	a.online = a.online || b.online
	a.since = min(a.since, b.since)
	a.unconfirmed = a.unconfirmed && b.unconfirmed
	if b.expires > a.expires { // it has heard from the peer since
		a.expires, a.detached, a.self = b.expires, b.detached, b.self
	}
	return a
}
