package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	kadpb "github.com/libp2p/go-libp2p-kad-dht/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multihash"
)

// kad is go-libp2p-kad-dht in server mode on a network of its own: k = 20, beta = 3
// and everything else as it comes, without its filters of addresses, for all hosts
// are on loopback. Its refresh is not left to the clock but run and measured.
type kad struct {
	alpha   int
	confirm bool // a provider counts when it answers a ping
	world   *world
	nodes   []*dht.IpfsDHT
}

var _ system = (*kad)(nil)

const (
	// refreshEvery is kad-dht's default RoutingTableRefreshPeriod.
	refreshEvery = 10 * time.Minute
	// refreshRounds fill the routing tables: the first when only the bootstrap nodes
	// are known, the others when all are there.
	refreshRounds = 2
	// refreshTogether bounds the nodes that refresh at once.
	refreshTogether = 50
)

func kadPurpose(k kind) purpose {
	switch {
	case k.field != 1 || k.protocol != "/compare/kad/1.0.0":
		return upkeep
	case k.value == uint64(kadpb.Message_GET_PROVIDERS):
		return query
	case k.value == uint64(kadpb.Message_ADD_PROVIDER), k.value == uint64(kadpb.Message_FIND_NODE):
		return publishing // in the publishing phase; idling and churn count everything
	default:
		return upkeep
	}
}

func (d *kad) start(ctx context.Context, w *world) error {
	d.world = w
	for i := range w.hosts {
		if err := d.add(ctx, i); err != nil {
			return err
		}
	}
	for range refreshRounds {
		if _, err := d.maintain(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *kad) arrive(ctx context.Context, i int) error {
	if err := d.add(ctx, i); err != nil {
		return err
	}
	return d.refresh(ctx, d.nodes[i])
}

// add makes a node and connects it to a few others.
func (d *kad) add(ctx context.Context, i int) error {
	node, err := dht.New(context.Background(), d.world.hosts[i],
		dht.Mode(dht.ModeServer), dht.ProtocolPrefix("/compare"), dht.Concurrency(d.alpha), dht.DisableAutoRefresh())
	if err != nil {
		return err
	}
	d.nodes = append(d.nodes, node)
	// Any nodes will do; with always the same, those would be in every table.
	rng := d.world.plan.rng(forGraph + uint64(i)<<8)
	for range min(i, seeds) {
		if err := d.world.hosts[i].Connect(ctx, d.world.addr(rng.IntN(min(i, d.world.plan.hosts)))); err != nil {
			return fmt.Errorf("bootstrap node %d: %w", i, err)
		}
	}
	return nil
}

func (d *kad) refresh(ctx context.Context, node *dht.IpfsDHT) error {
	select {
	case err := <-node.ForceRefresh():
		if err != nil && ctx.Err() == nil {
			return nil // a bucket whose search met the dead: the next round's matter
		}
		return ctx.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (d *kad) maintain(ctx context.Context) (time.Duration, error) {
	slots := make(chan struct{}, refreshTogether)
	errs := make([]error, len(d.nodes))
	var wg sync.WaitGroup
	for i, node := range d.nodes {
		if d.world.hosts[i].dead.Load() {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			errs[i] = d.refresh(ctx, node)
			<-slots
		})
	}
	wg.Wait()
	return refreshEvery, errors.Join(errs...)
}

func (k key) cid() cid.Cid {
	digest, err := multihash.Encode(k[:], multihash.SHA2_256)
	if err != nil {
		panic(err) // only for an unknown hash
	}
	return cid.NewCidV1(cid.Raw, digest)
}

func (d *kad) publish(ctx context.Context, holder int, keys []key) error {
	for _, k := range keys {
		if err := d.nodes[holder].Provide(ctx, k.cid(), true); err != nil {
			return err
		}
	}
	return nil
}

// lookup takes the first provider while all hosts live. Later it reads on until one
// lives; unless that is to be confirmed, it is told so, which costs it nothing.
func (d *kad) lookup(ctx context.Context, asker int, k key) bool {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	wanted := 1
	if d.world.deaths() || d.confirm {
		wanted = 0 // all
	}
	if d.confirm {
		return d.reach(ctx, asker, d.nodes[asker].FindProvidersAsync(ctx, k.cid(), wanted))
	}
	for provider := range d.nodes[asker].FindProvidersAsync(ctx, k.cid(), wanted) {
		if d.world.live(provider.ID) {
			return true
		}
	}
	return false
}

// reach pings the providers as they come, until one answers.
func (d *kad) reach(ctx context.Context, asker int, providers <-chan peer.AddrInfo) bool {
	h := d.world.hosts[asker]
	reached := make(chan bool)
	tried := 0
	for providers != nil || tried > 0 {
		select {
		case p, more := <-providers:
			if !more {
				providers = nil
				continue
			}
			tried++
			go func() {
				ok := h.Connect(ctx, p) == nil && (<-ping.Ping(ctx, h, p.ID)).Error == nil
				select {
				case reached <- ok:
				case <-ctx.Done():
				}
			}()
		case ok := <-reached:
			tried--
			if ok {
				return true
			}
		case <-ctx.Done():
			return false
		}
	}
	return false
}

func (d *kad) stop(i int) error { return d.nodes[i].Close() }
