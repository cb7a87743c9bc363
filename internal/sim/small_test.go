package sim

import (
	"fmt"
	"testing"
	"time"
)

// TestSmallOverlays: in a network smaller than a view, everybody is soon
// everybody's neighbour.
func TestSmallOverlays(t *testing.T) {
	for _, size := range []int{2, 3, 5, 8, 12, 20, 30} {
		for _, over := range []time.Duration{0, 2 * time.Second, 20 * time.Second} {
			t.Run(fmt.Sprintf("%d within %v", size, over), func(t *testing.T) {
				net := network(t, func(cfg *Config) { cfg.MedianRTT = 2 * time.Millisecond })
				net.Grow(1, 0)
				net.Grow(size-1, over, 0)
				net.Run(over)
				want := min(size-1, net.cfg.Overlay.Degree)
				took, ok := net.RunUntil(time.Minute, 100*time.Millisecond, func() bool { return net.Views().Least >= want })
				if !ok {
					t.Errorf("a view has only %d neighbours after a minute", net.Views().Least)
				}
				t.Logf("views of %d after %v", want, took)
			})
		}
	}
}
