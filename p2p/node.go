package p2p

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"

	"github.com/grapevine-p2p/grapevine/internal/datadir"
	"github.com/grapevine-p2p/grapevine/internal/feed"
	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/streamconn"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Node is our own running instance in one overlay. Its methods may be called
// concurrently. Make it with [New].
type Node struct {
	network string
	agent   string
	log     *slog.Logger
	host    host.Host
	ownHost bool
	dir     *datadir.Dir // nil: nothing is kept

	contacts    *contacts
	dials       *dialGuard
	driver      *driver
	shares      shares
	queries     queries
	latency     latency
	reindex     chan struct{} // has room for one
	services    services
	conns       streamconn.Set
	events      *feed.Feed[Event]
	pubsub      *pubsub.PubSub
	presence    *presence
	pubsubDrops *dropCounter
	cache       *hostCache     // nil: nothing is kept
	saved       []wire.Contact // of former runs, until Join; guarded by driver.mu
	metrics     *metrics

	ctx    context.Context // ends when Close has said goodbye
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu        sync.Mutex // guards closing, and wg.Add against wg.Wait
	closing   bool
	closeErr  error
	closeDone chan struct{}
}

// New starts a node that knows nobody yet; [Node.Join] enters an overlay.
func New(opts ...Option) (*Node, error) {
	c := defaultConfig()
	for _, opt := range opts {
		if err := opt(&c); err != nil {
			return nil, fmt.Errorf("new node: %w", err)
		}
	}
	n := &Node{
		network:   c.network,
		agent:     c.agent,
		log:       c.log,
		host:      c.host,
		dials:     newDialGuard(),
		events:    feed.New[Event](eventQueue),
		latency:   newLatency(),
		reindex:   make(chan struct{}, 1),
		closeDone: make(chan struct{}),
	}
	n.ctx, n.cancel = context.WithCancel(context.Background())
	if err := n.start(&c); err != nil {
		return nil, errors.Join(fmt.Errorf("new node: %w", err), n.Close())
	}
	return n, nil
}

func (n *Node) start(c *config) (err error) {
	var key crypto.PrivKey
	if c.folder != "" {
		if n.dir, err = datadir.Open(c.folder); err != nil {
			return err
		}
	}
	if n.host == nil {
		if key, err = n.identity(); err != nil {
			return err
		}
		if n.host, err = newHost(c, key); err != nil {
			return err
		}
		n.ownHost = true
	}
	n.contacts = newContacts(n.host)
	if err := n.startCore(c.overlay); err != nil {
		return err
	}
	if n.dir != nil {
		if n.cache, err = openHostCache(n.dir, n.log); err != nil {
			return err
		}
		n.saved = n.cache.load(n.contacts)
	}
	if err := n.startRole(c.overlay.Leaf); err != nil {
		return err
	}
	if err := n.startPubSub(); err != nil {
		return err
	}
	if err := n.startMetrics(c.metrics); err != nil {
		return err
	}
	n.host.SetStreamHandler(wire.Overlay, n.accept)
	n.host.SetStreamHandler(wire.Service, n.acceptService)
	n.wg.Go(n.driver.match)
	n.wg.Go(n.summarise)
	n.wg.Go(n.presence.run)
	if n.cache != nil {
		n.wg.Go(n.saveCache)
	}
	return nil
}

func (n *Node) identity() (crypto.PrivKey, error) {
	if n.dir != nil {
		return n.dir.Key(datadir.Node)
	}
	key, _, err := crypto.GenerateEd25519Key(crand.Reader)
	return key, err
}

func (n *Node) startCore(cfg overlay.Config) error {
	var seed [16]byte
	crand.Read(seed[:]) // never fails
	rng := rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])))
	cfg.Group = n.contacts.group
	cfg.Sign = n.signer()
	cfg.Prove = n.proves
	core, err := overlay.New(cfg, wire.PeerID(n.host.ID()), rng)
	if err != nil {
		return err
	}
	self, err := n.contacts.refresh()
	if err != nil {
		return err
	}
	core.SetSelf(self)
	n.driver = newDriver(n.ctx, n, core)
	changes, err := n.host.EventBus().Subscribe(new(event.EvtLocalAddressesUpdated), eventbus.Name("grapevine"))
	if err != nil {
		return fmt.Errorf("subscribe to address changes: %w", err)
	}
	n.wg.Go(func() { n.followAddresses(changes) })
	return nil
}

// followAddresses signs a new record whenever the host's addresses change.
func (n *Node) followAddresses(changes event.Subscription) {
	defer func() { _ = changes.Close() }()
	for {
		select {
		case <-n.ctx.Done():
			return
		case _, open := <-changes.Out():
			if !open {
				return
			}
			self, err := n.contacts.refresh()
			if err != nil {
				n.log.Error("own record not renewed", "error", err)
				continue
			}
			n.driver.mu.Lock()
			n.driver.core.SetSelf(self)
			n.driver.mu.Unlock()
		}
	}
}

// enter counts a caller in, so that Close waits for it; false once closing. Who
// entered calls wg.Done.
func (n *Node) enter() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closing {
		return false
	}
	n.wg.Add(1)
	return true
}

// Close says goodbye to the neighbours, ends every stream, listener and query, and
// waits for every goroutine. A host given by [WithHost] stays open. It may be
// called more than once.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.closing {
		n.mu.Unlock()
		<-n.closeDone
		return n.closeErr
	}
	n.closing = true
	n.mu.Unlock()
	defer close(n.closeDone)

	if n.host != nil {
		n.host.RemoveStreamHandler(wire.Overlay)
		n.host.RemoveStreamHandler(wire.Service)
	}
	n.services.close()
	if n.presence != nil {
		n.presence.leave()
	}
	if n.cache != nil {
		n.closeErr = n.saveHostCache()
	}
	if n.driver != nil {
		flush(n.driver.leave())
	}
	n.cancel()
	if n.driver != nil {
		n.driver.timer.Stop()
	}
	n.conns.Close()
	n.wg.Wait()
	n.events.Close()
	n.metrics.close()
	if n.cache != nil {
		n.closeErr = errors.Join(n.closeErr, n.cache.close())
	}
	if n.ownHost {
		n.closeErr = errors.Join(n.closeErr, n.host.Close())
	}
	if n.dir != nil {
		n.closeErr = errors.Join(n.closeErr, n.dir.Close())
	}
	return n.closeErr
}

// flush waits until the goodbyes are out, for a short while.
func flush(links []*link) {
	late := time.NewTimer(leaveTime)
	defer late.Stop()
	for _, l := range links {
		select {
		case <-l.done:
		case <-late.C:
			return
		}
	}
}

// ID is the node's peer ID: its public key.
func (n *Node) ID() peer.ID { return n.host.ID() }

// Host is the libp2p host under the node.
func (n *Node) Host() host.Host { return n.host }

// PubSub is the gossipsub router that runs on the node; it ends with the node. Its
// topics begin with [Node.TopicPrefix].
func (n *Node) PubSub() *pubsub.PubSub { return n.pubsub }

// Network is the name of the node's overlay.
func (n *Node) Network() string { return n.network }

// AddrInfo is the node's contact as others may dial it.
func (n *Node) AddrInfo() peer.AddrInfo {
	return peer.AddrInfo{ID: n.host.ID(), Addrs: n.host.Addrs()}
}
