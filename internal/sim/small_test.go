package sim

import (
	"fmt"
	"testing"
	"time"
)

// TestSmallOverlays: in a network smaller than a view, everybody is soon linked to
// half of the others and more. The last links to all may take some shuffles.
func TestSmallOverlays(t *testing.T) {
	for _, size := range []int{2, 3, 5, 8, 12, 20, 30} {
		for _, over := range []time.Duration{0, 2 * time.Second, 20 * time.Second} {
			t.Run(fmt.Sprintf("%d within %v", size, over), func(t *testing.T) {
				net := network(t, func(cfg *Config) { cfg.MedianRTT = 2 * time.Millisecond })
				net.Grow(1, 0)
				net.Grow(size-1, over, 0)
				net.Run(over)
				least := func(want int) func() bool {
					return func() bool { return net.Views().Least >= want }
				}
				want := min(size-1, max(size/2, 7), net.cfg.Overlay.Degree)
				took, ok := net.RunUntil(30*time.Second, 100*time.Millisecond, least(want))
				if !ok {
					t.Errorf("a view has only %d neighbours of %d after 30 s", net.Views().Least, size-1)
				}
				full := min(size-1, net.cfg.Overlay.Degree)
				more, _ := net.RunUntil(5*time.Minute, time.Second, least(full))
				t.Logf("views of %d after %v, of %d after %v", want, took, full, took+more)
			})
		}
	}
}
