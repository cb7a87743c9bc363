package main

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pubsubpb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// floodsub is pubsub as a broadcast query: every host is subscribed to one topic,
// a question is a message on it, and holders answer on a stream to the asker. Links
// are a random graph in which each host has as many; pubsub itself finds none and
// mends none. Answers may leave connections behind, which floods do not use.
type floodsub struct {
	degree int // even
	signed bool
	world  *world
	nodes  []*floodsubNode
	links  sync.Map // link: true
}

var _ system = (*floodsub)(nil)

// link is two hosts, in both orders.
type link struct{ here, there peer.ID }

// linkedHost opens pubsub's streams on links alone. Floodsub would open them on every
// connection, those of answers too, and has no filter.
type linkedHost struct {
	*countedHost
	system *floodsub
}

var errNoLink = errors.New("no link of the overlay")

func (h linkedHost) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	if _, linked := h.system.links.Load(link{h.ID(), p}); !linked {
		return nil, errNoLink
	}
	return h.countedHost.NewStream(ctx, p, ids...)
}

type floodsubNode struct {
	system *floodsub
	host   *countedHost
	router *pubsub.PubSub
	topic  *pubsub.Topic
	end    context.CancelFunc
	wg     sync.WaitGroup

	mu      sync.Mutex
	keys    map[key]bool
	waiting map[questionID]chan peer.ID
}

const (
	replyProtocol = protocol.ID("/compare/reply/1.0.0")
	floodTopic    = "compare"
	// queued is pubsub's room for messages, 32 by default, at which it drops.
	queued = 1024
	// meetWithin bounds the wait for the subscriptions to be known.
	meetWithin = 30 * time.Second
)

func floodsubPurpose(k kind) purpose {
	const publish = 2 // of pubsub's RPC; subscriptions are 1
	if k.protocol == replyProtocol || k.protocol == pubsub.FloodSubID && k.field == publish {
		return query
	}
	return upkeep
}

func (f *floodsub) start(ctx context.Context, w *world) error {
	f.world = w
	for i := range w.hosts {
		if err := f.add(i); err != nil {
			return err
		}
	}
	rng := w.plan.rng(forGraph)
	for range f.degree / 2 { // a ring through all hosts in random order gives each two links
		ring := rng.Perm(len(f.nodes))
		for at, i := range ring {
			if err := f.link(ctx, i, ring[(at+1)%len(ring)]); err != nil {
				return err
			}
		}
	}
	return f.meet(ctx)
}

// arrive links a newcomer to hosts as if it had found them somewhere.
func (f *floodsub) arrive(ctx context.Context, i int) error {
	if err := f.add(i); err != nil {
		return err
	}
	for _, j := range f.world.plan.rng(forGraph + uint64(i)<<8).Perm(f.world.plan.hosts)[:f.degree] {
		if err := f.link(ctx, i, j); err != nil {
			return err
		}
	}
	return nil
}

func (f *floodsub) link(ctx context.Context, i, j int) error {
	a, b := f.world.hosts[i].ID(), f.world.hosts[j].ID()
	f.links.Store(link{a, b}, true)
	f.links.Store(link{b, a}, true)
	if err := f.world.hosts[i].Connect(ctx, f.world.addr(j)); err != nil {
		return fmt.Errorf("link %d to %d: %w", i, j, err)
	}
	f.world.hosts[i].ConnManager().Protect(b, floodTopic)
	f.world.hosts[j].ConnManager().Protect(a, floodTopic)
	return nil
}

// meet waits until every node knows who of its neighbours is subscribed.
func (f *floodsub) meet(ctx context.Context) error {
	wanted := make(map[peer.ID]int)
	f.links.Range(func(l, _ any) bool { wanted[l.(link).here]++; return true })
	late := time.After(meetWithin)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for _, n := range f.nodes {
		for len(n.topic.ListPeers()) < wanted[n.host.ID()] {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-late:
				return errors.New("pubsub's subscriptions did not spread")
			case <-tick.C:
			}
		}
	}
	return nil
}

func (f *floodsub) add(i int) error {
	ctx, end := context.WithCancel(context.Background())
	n := &floodsubNode{
		system: f, host: f.world.hosts[i], end: end,
		keys: make(map[key]bool), waiting: make(map[questionID]chan peer.ID),
	}
	f.nodes = append(f.nodes, n)
	options := []pubsub.Option{
		pubsub.WithPeerOutboundQueueSize(queued), pubsub.WithValidateQueueSize(queued),
	}
	if !f.signed {
		options = append(options,
			pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
			pubsub.WithMessageIdFn(func(m *pubsubpb.Message) string { return string(m.Data[:min(len(m.Data), questionIDSize)]) }))
	}
	var err error
	if n.router, err = pubsub.NewFloodSub(ctx, linkedHost{n.host, f}, options...); err != nil {
		return err
	}
	if n.topic, err = n.router.Join(floodTopic); err != nil {
		return err
	}
	sub, err := n.topic.Subscribe(pubsub.WithBufferSize(queued))
	if err != nil {
		return err
	}
	n.host.SetStreamHandler(replyProtocol, n.heard)
	n.wg.Go(func() { n.answer(ctx, sub) })
	return nil
}

func (f *floodsub) publish(_ context.Context, holder int, keys []key) error {
	n := f.nodes[holder]
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, k := range keys {
		n.keys[k] = true
	}
	return nil
}

func (f *floodsub) lookup(ctx context.Context, asker int, k key) bool {
	n := f.nodes[asker]
	q := question{key: k, asker: f.world.addr(asker)}
	crand.Read(q.id[:]) // never fails
	answered := make(chan peer.ID, 1)
	n.mu.Lock()
	n.waiting[q.id] = answered
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.waiting, q.id)
	}()
	if err := n.topic.Publish(ctx, q.encode()); err != nil {
		return false
	}
	select {
	case from := <-answered:
		return f.world.live(from)
	case <-ctx.Done():
		return false
	}
}

// answer tells the asker of each question whose key the node holds.
func (n *floodsubNode) answer(ctx context.Context, sub *pubsub.Subscription) {
	for {
		m, err := sub.Next(ctx)
		if err != nil {
			return
		}
		q, err := decodeQuestion(m.Data)
		if err != nil || q.asker.ID == n.host.ID() {
			continue
		}
		n.mu.Lock()
		holds := n.keys[q.key]
		n.mu.Unlock()
		if holds {
			n.wg.Go(func() { n.tell(ctx, q) })
		}
	}
}

func (n *floodsubNode) tell(ctx context.Context, q question) {
	ctx, cancel := context.WithTimeout(ctx, n.system.world.plan.patience)
	defer cancel()
	if err := n.host.Connect(ctx, q.asker); err != nil {
		return
	}
	s, err := n.host.NewStream(ctx, q.asker.ID, replyProtocol)
	if err != nil {
		return
	}
	if _, err := s.Write(append([]byte{questionIDSize}, q.id[:]...)); err != nil {
		_ = s.Reset()
		return
	}
	_ = s.Close()
}

// heard takes an answer.
func (n *floodsubNode) heard(s network.Stream) {
	_ = s.SetDeadline(time.Now().Add(n.system.world.plan.patience))
	id, err := readAnswer(s)
	if err != nil {
		_ = s.Reset()
		return
	}
	_ = s.Close()
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case n.waiting[id] <- s.Conn().RemotePeer():
	default: // answered before
	}
}

func (f *floodsub) maintain(context.Context) (time.Duration, error) { return 0, nil }

func (f *floodsub) stop(i int) error {
	n := f.nodes[i]
	n.end()
	n.wg.Wait()
	return nil
}
