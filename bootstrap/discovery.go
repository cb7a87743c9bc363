package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/discovery"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/rendezvous"
)

var _ discovery.Discovery = (*Client)(nil)

// advert is a namespace in which a server has this peer.
type advert struct {
	link *link
	ns   string
}

// Advertise registers this peer in a namespace at all servers, over libp2p's
// rendezvous protocol, and returns after which time to do so again: before the
// shortest registration ends, and soon when a server did not answer. The option TTL
// asks for a time; without it the servers choose, two hours as a rule. It fails when
// no server takes the registration. Closing the client ends it.
func (c *Client) Advertise(ctx context.Context, ns string, opts ...discovery.Option) (time.Duration, error) {
	var options discovery.Options
	if err := options.Apply(opts...); err != nil {
		return 0, fmt.Errorf("advertise %q: %w", shorten(ns), err)
	}
	if err := c.begin(); err != nil {
		return 0, fmt.Errorf("advertise %q: %w", shorten(ns), err)
	}
	defer c.wg.Done()
	within, cancel := c.within(ctx)
	defer cancel()
	ttl := min(max(0, options.Ttl), rendezvous.MaxTTL)
	all := ask(within, c.links, func(ctx context.Context, l *link) (time.Duration, error) { return l.advertise(ctx, ns, ttl) })
	var shortest time.Duration
	missing := false
	for _, a := range all {
		switch {
		case a.err != nil:
			missing = true
		case shortest == 0 || a.value < shortest:
			shortest = a.value
		}
	}
	if shortest == 0 {
		return 0, fmt.Errorf("advertise %q: %w", shorten(ns), noServer(within, all))
	}
	next := shortest * 7 / 8
	if missing {
		next = min(next, advertiseAgain)
	}
	return next, nil
}

// FindPeers asks all servers for the peers in a namespace, over libp2p's rendezvous
// protocol, and returns when those that answer have: at most as many as the option
// Limit says, in random order, never this one. The channel is closed after the last.
// It fails when no server answers.
func (c *Client) FindPeers(ctx context.Context, ns string, opts ...discovery.Option) (<-chan peer.AddrInfo, error) {
	peers, err := c.findPeers(ctx, ns, opts...)
	if err != nil {
		return nil, fmt.Errorf("find peers of %q: %w", shorten(ns), err)
	}
	found := make(chan peer.AddrInfo, len(peers))
	for _, p := range peers {
		found <- p
	}
	close(found)
	return found, nil
}

func (c *Client) findPeers(ctx context.Context, ns string, opts ...discovery.Option) ([]peer.AddrInfo, error) {
	var options discovery.Options
	if err := options.Apply(opts...); err != nil {
		return nil, err
	}
	if ns == "" {
		return nil, errors.New("no namespace") // it would mean all of them
	}
	limit := options.Limit
	if limit <= 0 || limit > rendezvous.MaxResults {
		limit = rendezvous.MaxResults
	}
	if err := c.begin(); err != nil {
		return nil, err
	}
	defer c.wg.Done()
	within, cancel := c.within(ctx)
	defer cancel()
	all := ask(within, c.links, func(ctx context.Context, l *link) ([]rendezvous.Found, error) {
		return l.discover(ctx, ns, limit+1) // this peer may be among them
	})
	newest := make(map[peer.ID]rendezvous.Found)
	answered := false
	for _, a := range all {
		if a.err != nil {
			continue
		}
		answered = true
		for _, f := range a.value {
			old, known := newest[f.Peer.ID]
			if f.Peer.ID != c.host.ID() && len(f.Peer.Addrs) > 0 && (!known || f.Seq > old.Seq) {
				newest[f.Peer.ID] = f
			}
		}
	}
	if !answered {
		return nil, noServer(within, all)
	}
	peers := make([]peer.AddrInfo, 0, len(newest))
	for _, f := range newest {
		peers = append(peers, f.Peer)
	}
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	return peers[:min(limit, len(peers))], nil
}

func (l *link) advertise(ctx context.Context, ns string, ttl time.Duration) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, l.client.timeout)
	defer cancel()
	l.wayTo()
	granted, err := rendezvous.Client{Host: l.client.host}.Register(ctx, l.info.ID, ns, ttl)
	if err != nil {
		return 0, err
	}
	l.client.mu.Lock()
	defer l.client.mu.Unlock()
	l.client.adverts[advert{l, ns}] = true
	return granted, nil
}

// discover reads a namespace, however many answers it takes, up to a number of
// peers. What was read before the server fell silent counts.
func (l *link) discover(ctx context.Context, ns string, limit int) ([]rendezvous.Found, error) {
	ctx, cancel := context.WithTimeout(ctx, l.client.timeout)
	defer cancel()
	l.wayTo()
	server := rendezvous.Client{Host: l.client.host}
	var all []rendezvous.Found
	var cookie []byte
	for len(all) < limit {
		found, next, err := server.Discover(ctx, l.info.ID, ns, limit-len(all), cookie)
		if err != nil && len(all) == 0 {
			return nil, err
		}
		if err != nil || len(found) == 0 {
			break
		}
		all = append(all, found...)
		if len(next) == 0 {
			break
		}
		cookie = next
	}
	if l.public() {
		for i := range all {
			all[i].Peer.Addrs = distant(all[i].Peer.Addrs)
		}
	}
	return all, nil
}

// unadvertise tells the servers that this peer leaves the namespaces it is in.
func (c *Client) unadvertise(ctx context.Context) {
	c.mu.Lock()
	adverts := slices.Collect(maps.Keys(c.adverts))
	clear(c.adverts)
	c.mu.Unlock()
	places := make(map[*link][]string)
	for _, a := range adverts {
		places[a.link] = append(places[a.link], a.ns)
	}
	var servers sync.WaitGroup
	for l, spaces := range places {
		servers.Go(func() {
			for _, ns := range spaces {
				err := rendezvous.Client{Host: c.host}.Unregister(ctx, l.info.ID, ns)
				if err != nil {
					c.log.Debug("a namespace is left to expire", "namespace", ns, "server", l.info.ID, "err", err)
					return
				}
			}
		})
	}
	servers.Wait()
}

// RelaySource returns up to num peers that may relay for this one: the servers, and
// after them peers that are online. Whether they do is found out by asking. It is
// an autorelay.PeerSource, for libp2p.EnableAutoRelayWithPeerSource: the host is made
// before the client, so the option takes a function that waits for the client.
func (c *Client) RelaySource(ctx context.Context, num int) <-chan peer.AddrInfo {
	num = max(0, min(num, len(c.links)+maxSample))
	found := make(chan peer.AddrInfo, num)
	if c.begin() != nil {
		close(found)
		return found
	}
	offer := func(p peer.AddrInfo) {
		if num > 0 {
			found <- p // there is room, whether or not anybody takes them
			num--
		}
	}
	go func() {
		defer c.wg.Done()
		defer close(found)
		for _, l := range c.links {
			if l.promising() {
				offer(l.info)
			}
		}
		if num == 0 {
			return
		}
		peers, err := c.Peers(ctx)
		if err != nil {
			c.log.Debug("no relays but the servers are known", "err", err)
		}
		for _, p := range peers {
			offer(p)
		}
	}()
	return found
}
