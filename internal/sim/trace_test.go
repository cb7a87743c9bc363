package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
)

// eventful runs everything that can happen to a small network.
func eventful(t testing.TB, seed uint64) *Network {
	net := grown(t, 60, func(cfg *Config) {
		cfg.Seed, cfg.Loss, cfg.Overlay.Degree = seed, 0.02, 8
	})
	net.Churn(time.Minute, 2*time.Minute, 0.5)
	net.Run(20 * time.Second)
	net.Ask(net.Live()[3], anything, AskOptions{Strategy: overlay.Flood, TTL: 5})
	net.Partition(net.Some(0.3)...)
	net.Run(20 * time.Second)
	net.Heal()
	net.Kill(net.Some(0.2)...)
	net.Run(time.Minute)
	return net
}

// TestSameSeedSameTrace is what makes a failure in the simulator one that can be
// looked into.
func TestSameSeedSameTrace(t *testing.T) {
	a, b, other := eventful(t, 7), eventful(t, 7), eventful(t, 8)
	if a.Trace() != b.Trace() || a.Happenings() != b.Happenings() {
		t.Errorf("the same seed gave traces %x and %x", a.Trace(), b.Trace())
	}
	if a.Trace() == other.Trace() {
		t.Error("another seed gave the same trace")
	}
}

// TestViewsAreTheCores: what Up and Down tell a driver is what the core has.
func TestViewsAreTheCores(t *testing.T) {
	net := eventful(t, 9)
	for _, id := range net.Live() {
		var core []int
		for _, n := range net.Core(id).Neighbours() {
			core = append(core, NodeOf(n.Contact.Peer))
		}
		view := net.Neighbours(id)
		slices.Sort(core)
		slices.Sort(view)
		if !slices.Equal(core, view) {
			t.Errorf("node %d has neighbours %v and told of %v", id, core, view)
		}
	}
}
