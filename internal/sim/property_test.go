package sim

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestViewsAgree: whatever happened to a small network, once it is left alone its
// views are bounded, hold no node itself, and agree with each other.
func TestViewsAgree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := DefaultConfig()
		cfg.Seed = rapid.Uint64().Draw(rt, "seed")
		cfg.Overlay.Degree = rapid.IntRange(2, 12).Draw(rt, "degree")
		cfg.Loss = rapid.Float64Range(0, 0.1).Draw(rt, "loss")
		net, err := New(cfg)
		if err != nil {
			rt.Fatal(err)
		}
		size := rapid.IntRange(3, 40).Draw(rt, "size")
		seeds := net.Grow(2, 0)
		net.Grow(size-2, time.Duration(rapid.IntRange(0, 20).Draw(rt, "over"))*time.Second, seeds...)
		net.Run(time.Duration(rapid.IntRange(0, 30).Draw(rt, "run")) * time.Second)
		for range rapid.IntRange(0, 4).Draw(rt, "troubles") {
			some := net.Some(rapid.Float64Range(0, 0.5).Draw(rt, "share"))
			switch rapid.IntRange(0, 4).Draw(rt, "trouble") {
			case 0:
				net.Kill(some...)
			case 1:
				net.Leave(some...)
			case 2:
				net.Partition(some...)
			case 3:
				net.Heal()
			case 4:
				net.Arrive(rapid.IntRange(0, 10).Draw(rt, "arrive"), 5*time.Second)
			}
			net.Run(time.Duration(rapid.IntRange(0, 40).Draw(rt, "pause")) * time.Second)
		}
		net.Heal()
		net.cfg.Loss = 0
		quiet := func() bool { return net.Views().OneSided == 0 }
		if _, ok := net.RunUntil(2*time.Minute, time.Second, quiet); !ok {
			rt.Fatalf("%d links are one-sided after two quiet minutes", net.Views().OneSided)
		}
		for _, id := range net.Live() {
			view := net.Neighbours(id)
			if len(view) > cfg.Overlay.Accepted() {
				rt.Fatalf("node %d has %d neighbours", id, len(view))
			}
			if slices.Contains(view, id) {
				rt.Fatalf("node %d is its own neighbour", id)
			}
			slices.Sort(view)
			if len(slices.Compact(view)) != len(net.Neighbours(id)) {
				rt.Fatalf("node %d has a neighbour twice", id)
			}
		}
	})
}

func TestQueueKeepsOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var q queue
		var planned []time.Duration
		for i, at := range rapid.SliceOfN(rapid.Int64Range(0, 50), 0, 200).Draw(rt, "times") {
			planned = append(planned, time.Duration(at))
			q.plan(time.Duration(at), tick, int32(i))
		}
		want := make([]int32, len(planned))
		for i := range want {
			want[i] = int32(i)
		}
		slices.SortStableFunc(want, func(a, b int32) int { return int(planned[a] - planned[b]) })
		for _, node := range want {
			at, h, ok := q.next(time.Hour)
			if !ok || h.node != node || at != planned[node] {
				rt.Fatalf("got %d at %d, want %d at %d", h.node, at, node, planned[node])
			}
		}
		if _, _, ok := q.next(time.Hour); ok {
			rt.Fatal("something is left")
		}
	})
}

func TestNodeOf(t *testing.T) {
	for _, node := range []int{0, 7, 123456} {
		if got := NodeOf(PeerOf(node)); got != node {
			t.Errorf("node %d came back as %d", node, got)
		}
	}
	for _, peer := range []string{"", "n", "x1", "n1x", "n-1", "n99999999999999999999"} {
		if got := NodeOf(wire.PeerID(peer)); got != -1 {
			t.Errorf("%q is node %d", peer, got)
		}
	}
}
