package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p-kad-dht/amino"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// system is one way to find who has a key. Nodes are told by the index of their
// host. Publish and lookup may be called concurrently.
type system interface {
	// start puts a node on each host of the world and makes them one network.
	start(ctx context.Context, w *world) error
	// arrive adds a node on a new host.
	arrive(ctx context.Context, i int) error
	// publish makes keys findable at their holder; it may take a while after.
	publish(ctx context.Context, holder int, keys []key) error
	// lookup looks for a live holder until the context ends.
	lookup(ctx context.Context, asker int, k key) (found bool)
	// maintain runs once what the system does every period, of its own accord or
	// because its manual says so; a period of 0 means that idling shows all of it.
	maintain(ctx context.Context) (period time.Duration, err error)
	// stop ends one node, without its host.
	stop(i int) error
}

// contestant is a system with its settings.
type contestant struct {
	name, about string
	byDefault   bool
	ours        bool // Grapevine
	purpose     func(kind) purpose
	renews      time.Duration // how often a key is published again in a session
	make        func() system
}

// thin is a degree at which two links reach less than a tenth of 200 nodes: 4+4*3.
const thin = 4

func contestants() []contestant {
	return []contestant{
		{"guided", "Grapevine, degree 4, guided queries", true, true, grapevinePurpose, overlay.RenewEvery, func() system { return &grapevine{degree: thin, strategy: p2p.Guided} }},
		{"flood", "Grapevine, degree 4, flooded queries", true, true, grapevinePurpose, overlay.RenewEvery, func() system { return &grapevine{degree: thin, strategy: p2p.Flood} }},
		{"kad3", "go-libp2p-kad-dht v0.38.0, alpha 3", true, false, kadPurpose, amino.DefaultReprovideInterval, func() system { return &kad{alpha: 3} }},
		{"kad3-confirmed", "go-libp2p-kad-dht v0.38.0, alpha 3, then the provider is pinged", true, false, kadPurpose, amino.DefaultReprovideInterval, func() system { return &kad{alpha: 3, confirm: true} }},
		{"kad10", "go-libp2p-kad-dht v0.38.0, alpha 10 (its default)", true, false, kadPurpose, amino.DefaultReprovideInterval, func() system { return &kad{alpha: 10} }},
		{"floodsub", "pubsub floodsub, degree 4, messages signed (its default)", true, false, floodsubPurpose, 0, func() system { return &floodsub{degree: thin, signed: true} }},
		{"floodsub-unsigned", "pubsub floodsub, degree 4, messages not signed", true, false, floodsubPurpose, 0, func() system { return &floodsub{degree: thin} }},
		{"guided24", "Grapevine, degree 24 (its default), guided queries", true, true, grapevinePurpose, overlay.RenewEvery, func() system { return &grapevine{degree: defaultDegree, strategy: p2p.Guided} }},
		{"flood24", "Grapevine, degree 24 (its default), flooded queries", false, true, grapevinePurpose, overlay.RenewEvery, func() system { return &grapevine{degree: defaultDegree, strategy: p2p.Flood} }},
	}
}

// defaultDegree is that of p2p.WithDegree.
const defaultDegree = 24

func systemNames() (names []string) {
	for _, c := range contestants() {
		names = append(names, c.name)
	}
	return names
}

func defaultSystems() (names []string) {
	for _, c := range contestants() {
		if c.byDefault {
			names = append(names, c.name)
		}
	}
	return names
}

func choose(list string) (chosen []contestant, err error) {
	all := contestants()
	for name := range strings.SplitSeq(list, ",") {
		i := slices.IndexFunc(all, func(c contestant) bool { return c.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no system %q: there are %s", name, strings.Join(systemNames(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
