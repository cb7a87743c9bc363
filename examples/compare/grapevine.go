package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// grapevine is this library.
type grapevine struct {
	degree   int
	strategy p2p.Strategy
	world    *world
	nodes    []*p2p.Node
}

var _ system = (*grapevine)(nil)

// seeds is how many nodes a newcomer is told of.
const seeds = 3

const (
	// joinTogether bounds the nodes that enter at once.
	joinTogether = 4
	// enough is the percentage of nodes whose views are to be full, for where all
	// others are a last one finds nobody; viewsWithin bounds the wait.
	enough      = 95
	viewsWithin = 120 * time.Second
)

func grapevinePurpose(k kind) purpose {
	if k.protocol != wire.Overlay {
		return upkeep
	}
	body := (*pb.Envelope)(nil).ProtoReflect().Descriptor().Fields().ByNumber(protoreflect.FieldNumber(k.field))
	if body == nil {
		return upkeep
	}
	switch body.Name() {
	case "query", "hit", "ack", "report":
		return query
	case "summary", "summary_want", "withdraw":
		return publishing
	default:
		return upkeep
	}
}

func (g *grapevine) start(ctx context.Context, w *world) error {
	g.world = w
	for i := range w.hosts {
		if err := g.add(i); err != nil {
			return err
		}
	}
	slots := make(chan struct{}, joinTogether)
	errs := make([]error, len(g.nodes))
	var wg sync.WaitGroup
	for i := range g.nodes {
		slots <- struct{}{}
		wg.Go(func() {
			errs[i] = g.join(ctx, i)
			<-slots
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	late := time.After(viewsWithin)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for g.full() < len(g.nodes)*enough/100 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-late:
			return g.allIn()
		case <-tick.C:
		}
	}
	return g.allIn()
}

// allIn tells whether every node has a neighbour.
func (g *grapevine) allIn() error {
	for i, n := range g.nodes {
		if len(n.Neighbours()) == 0 {
			return fmt.Errorf("node %d: %w", i, p2p.ErrNotJoined)
		}
	}
	return nil
}

func (g *grapevine) full() (count int) {
	for _, n := range g.nodes {
		if len(n.Neighbours()) >= min(g.degree, len(g.nodes)-1) {
			count++
		}
	}
	return count
}

func (g *grapevine) arrive(ctx context.Context, i int) error {
	if err := g.add(i); err != nil {
		return err
	}
	return g.join(ctx, i)
}

func (g *grapevine) add(i int) error {
	n, err := p2p.New(p2p.WithHost(g.world.hosts[i]), p2p.WithDegree(g.degree))
	if err != nil {
		return err
	}
	g.nodes = append(g.nodes, n)
	return nil
}

func (g *grapevine) join(ctx context.Context, i int) error {
	if i == 0 {
		return nil
	}
	rng := g.world.plan.rng(forGraph + uint64(i)<<8)
	inside := min(max(1, i-joinTogether), g.world.plan.hosts) // those that have surely joined
	var through []peer.AddrInfo
	for range seeds {
		through = append(through, g.world.addr(rng.IntN(inside)))
	}
	_, err := g.nodes[i].Join(ctx, through...)
	if err != nil && !errors.Is(err, p2p.ErrNotJoined) { // that is tried on
		return fmt.Errorf("join node %d: %w", i, err)
	}
	return nil
}

func (g *grapevine) publish(_ context.Context, holder int, keys []key) error {
	items := make(p2p.Items, len(keys))
	for i, k := range keys {
		items[i] = p2p.Item{Key: p2p.Key(k[:]), Name: "compared"}
	}
	g.nodes[holder].Share(items)
	return nil
}

func (g *grapevine) lookup(ctx context.Context, asker int, k key) bool {
	q := p2p.Query{Key: p2p.Key(k[:]), Max: 1, Strategy: g.strategy, Timeout: g.world.plan.patience}
	for hit, err := range g.nodes[asker].Query(ctx, q) {
		return err == nil && g.world.live(hit.From.ID)
	}
	return false
}

func (g *grapevine) maintain(context.Context) (time.Duration, error) { return 0, nil }

func (g *grapevine) stop(i int) error { return g.nodes[i].Close() }
