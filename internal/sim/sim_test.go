package sim

import (
	"flag"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

var anything = &wire.Query{Key: "anything", Max: 10}

var seed = flag.Uint64("seed", 1, "seed of the simulated networks")

func network(t testing.TB, change func(*Config)) *Network {
	t.Helper()
	cfg := DefaultConfig()
	cfg.Seed = *seed
	if change != nil {
		change(&cfg)
	}
	net, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return net
}

// grown returns a network of size nodes that joined through three seeds within a
// minute, half a minute after the last one.
func grown(t testing.TB, size int, change func(*Config)) *Network {
	t.Helper()
	net := network(t, change)
	seeds := net.Grow(3, 0)
	net.Run(time.Second)
	net.Grow(size-3, time.Minute, seeds...)
	net.Run(90 * time.Second)
	return net
}

// report logs the state of a network, and returns its components and views.
func report(t testing.TB, net *Network, what string) ([]int, Views) {
	t.Helper()
	v, c := net.Views(), net.Components()
	t.Logf("%s: at %v %d live, %d components (largest %d), views %d to %d, mean %.2f, %d one-sided",
		what, net.Now().Round(time.Second), len(v.Sizes), len(c), c[0], v.Least, v.Most, v.Mean, v.OneSided)
	return c, v
}

// whole asserts that all live nodes are one component.
func whole(t testing.TB, components []int) {
	t.Helper()
	if len(components) != 1 {
		t.Errorf("the overlay fell into %d components: %v", len(components), components[:min(10, len(components))])
	}
}

// reach floods a query from a live node and returns the share that it comes to.
func reach(t testing.TB, net *Network) float64 {
	t.Helper()
	s := net.Ask(net.Live()[0], anything, AskOptions{Strategy: overlay.Flood})
	net.Run(3 * time.Second)
	t.Logf("a flood of TTL 7 reached %.2f %% with %d messages", 100*s.Reach(), s.Messages)
	return s.Reach()
}
