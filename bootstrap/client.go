package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/crypto"
	cryptopb "github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Client speaks with bootstrap servers, and works while any of them does. It asks
// all of them at once, so that a dead one costs little: what some answer and others
// do not within a second is taken as it is.
type Client struct {
	host    host.Host
	key     crypto.PrivKey
	network string
	log     *slog.Logger
	timeout time.Duration
	links   []*link // one for each server, in the caller's order
	queue   int     // reports that wait for a watcher

	hidden, detached bool
	neighbours       func() []peer.ID // nil: not told
	agent            string

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	notify network.Notifiee
	naming chan struct{} // held by the one call that claims or gives up names

	mu       sync.Mutex // guards what follows
	closed   bool
	leases   map[nameKey]*Lease
	seq      uint64 // the last that was signed
	revision uint64 // the last that was given out
	seen     []view // what the last list and the last watch told, to resume from
	adverts  map[advert]bool
}

// ClientConfig is a client's settings. The zero value has the defaults.
type ClientConfig struct {
	// Network is the name of the network; the default is "grapevine". Records of
	// other networks are refused.
	Network string
	// Logger is told of servers that are lost and found; the default drops it.
	Logger *slog.Logger
	// Timeout bounds each attempt to get an answer from one server; the default is
	// 5 s.
	Timeout time.Duration

	// Hidden keeps this peer from being listed, watched and handed out to others;
	// it is found by its name only.
	Hidden bool
	// Detached does without a lasting connection: the servers grant a longer lease,
	// and the client connects to renew it and lets go again. To others the peer is
	// there while the lease runs.
	Detached bool
	// Neighbours is asked for the peers that this one has links to, for the servers'
	// picture of the network; 64 are told. It is called from several goroutines.
	// Without it nothing is told of them.
	Neighbours func() []peer.ID
	// Agent is the name and version of the software, for the same picture, in at
	// most 64 bytes.
	Agent string
}

// NewClient makes a client with the default settings. See [ClientConfig.NewClient].
func NewClient(h host.Host, servers ...peer.AddrInfo) (*Client, error) {
	return ClientConfig{}.NewClient(h, servers...)
}

// NewClient makes a client of the given servers on a host with an Ed25519 key. It
// speaks with none of them yet. The host stays the caller's to close, after the
// client. An entry of the host itself is left out.
func (cfg ClientConfig) NewClient(h host.Host, servers ...peer.AddrInfo) (*Client, error) {
	key := h.Peerstore().PrivKey(h.ID())
	if key == nil || key.Type() != cryptopb.KeyType_Ed25519 {
		return nil, errors.New("new directory client: the host has no Ed25519 key")
	}
	c := &Client{
		host:    h,
		key:     key,
		network: cfg.Network,
		log:     cfg.Logger,
		timeout: cfg.Timeout,
		queue:   watchQueue,
		naming:  make(chan struct{}, 1),
		leases:  make(map[nameKey]*Lease),
		adverts: make(map[advert]bool),

		hidden: cfg.Hidden, detached: cfg.Detached, neighbours: cfg.Neighbours, agent: cfg.Agent,
	}
	if c.network == "" {
		c.network = wire.DefaultNetwork
	}
	if len(c.network) > wire.MaxNetworkName {
		return nil, fmt.Errorf("new directory client: network name %q is longer than %d bytes", c.network, wire.MaxNetworkName)
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.timeout <= 0 {
		c.timeout = negotiateTimeout
	}
	for _, info := range servers {
		if info.ID == h.ID() {
			continue
		}
		i := slices.IndexFunc(c.links, func(l *link) bool { return l.info.ID == info.ID })
		if i >= 0 {
			c.links[i].info.Addrs = append(c.links[i].info.Addrs, info.Addrs...)
			continue
		}
		info.Addrs = slices.Clone(info.Addrs)
		c.links = append(c.links, newLink(c, info))
	}
	if len(c.links) == 0 {
		return nil, errors.New("new directory client: no servers")
	}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	changes, err := h.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated))
	if err != nil {
		return nil, fmt.Errorf("new directory client: %w", err)
	}
	c.wg.Add(1)
	go c.readdress(changes)
	c.notify = &network.NotifyBundle{DisconnectedF: c.disconnected}
	h.Network().Notify(c.notify)
	if !c.detached {
		for _, l := range c.links {
			h.ConnManager().Protect(l.info.ID, protectTag)
		}
	}
	return c, nil
}

// protectTag keeps the connections to servers from being trimmed.
const protectTag = "grapevine-directory"

// goodbyeTimeout bounds how long Close tries to give its names up.
const goodbyeTimeout = 2 * time.Second

// Close releases the client's leases and leaves the namespaces that it advertised in,
// as far as servers answer within two seconds, and waits for everything that the client
// started. It may be called more than once.
func (c *Client) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		c.wg.Wait()
		return nil
	}
	c.closed = true
	leases := make([]*Lease, 0, len(c.leases))
	for _, l := range c.leases {
		leases = append(leases, l)
	}
	c.mu.Unlock()

	ctx, cancel := context.WithTimeout(context.Background(), goodbyeTimeout)
	defer cancel()
	var releases sync.WaitGroup
	releases.Go(func() { c.unadvertise(ctx) })
	for _, l := range leases {
		releases.Go(func() {
			if err := l.Release(ctx); err != nil {
				c.log.Debug("lease left to expire", "name", l.Name(), "err", err)
			}
		})
	}
	releases.Wait()
	c.host.Network().StopNotify(c.notify)
	c.cancel()
	for _, l := range c.links {
		l.close()
		c.host.ConnManager().Unprotect(l.info.ID, protectTag)
	}
	c.wg.Wait()
	return nil
}

// ServerStatus is what a client knows of a server.
type ServerStatus struct {
	Server peer.AddrInfo
	// InUse marks the first server of the client's list that answers.
	InUse bool
	// Connected tells that the server answered last time.
	Connected bool
	// RTT is how long its last answer took.
	RTT time.Duration
	// Err is why it did not answer.
	Err error
}

// Servers returns the state of each server, in the order that the client was given.
func (c *Client) Servers() []ServerStatus {
	all := make([]ServerStatus, len(c.links))
	used := false
	for i, l := range c.links {
		all[i] = l.status()
		all[i].InUse = all[i].Connected && !used
		used = used || all[i].InUse
	}
	return all
}

// begin registers a piece of work that Close waits for.
func (c *Client) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fmt.Errorf("directory client: %w", ErrClosed)
	}
	c.wg.Add(1)
	return nil
}

// within returns a context that ends with ctx and with the client.
func (c *Client) within(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.ctx, func() { cancel(ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

// disconnected makes the leases see to a server whose connection was lost.
func (c *Client) disconnected(n network.Network, conn network.Conn) {
	id := conn.RemotePeer()
	i := slices.IndexFunc(c.links, func(l *link) bool { return l.info.ID == id })
	if i < 0 || n.Connectedness(id) == network.Connected {
		return
	}
	if c.detached {
		return // as it is meant to be
	}
	c.links[i].lost()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.leases {
		l.holds[i].poke()
	}
}

// readdress makes the leases see to their records when the host's addresses change.
func (c *Client) readdress(changes event.Subscription) {
	defer c.wg.Done()
	defer changes.Close()
	for {
		select {
		case <-c.ctx.Done():
			return
		case _, ok := <-changes.Out():
			if !ok {
				return
			}
		}
		c.mu.Lock()
		leases := slices.Collect(maps.Values(c.leases))
		c.mu.Unlock()
		for _, l := range leases {
			if !l.moved() {
				continue // told of what the record has already
			}
			for _, h := range l.holds {
				h.poke()
			}
		}
	}
}

// sign makes a record of this peer, with a sequence number over all before it.
func (c *Client) sign(name string, key nameKey, removed bool, above uint64) (*claim, error) {
	now := time.Now()
	c.mu.Lock()
	c.seq = max(c.seq+1, above+1, uint64(now.UnixNano()))
	seq := c.seq
	c.mu.Unlock()
	record := &claim{
		particulars: &particulars{},
		network:     unique.Make(c.network), name: name, key: key, peer: c.host.ID(), seq: seq,
		removed: removed, hidden: c.hidden, expires: secondOf(now.Add(recordValidity)),
	}
	if !removed {
		record.addrs = c.host.Addrs()
	}
	sealed, err := record.seal(c.key)
	if err != nil {
		return nil, err
	}
	record.sealed = string(sealed)
	return record, nil
}
