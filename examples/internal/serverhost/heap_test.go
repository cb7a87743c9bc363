package serverhost

import (
	"context"
	"runtime/debug"
	"testing"
)

func TestGrowth(t *testing.T) {
	const mib = 1 << 20
	for live, want := range map[uint64]int{
		0: 100, 1 * mib: 100, 32 * mib: 100, 40 * mib: 60, 60 * mib: 20, 64 * mib: 20, 75 * mib: 20, 1000 * mib: 20,
	} {
		if got := growth(live); got != want {
			t.Errorf("a heap of %d bytes grows by %d %%, not %d", live, got, want)
		}
	}
}

func TestLimitHeap(t *testing.T) {
	const unlimited = 1000
	before := debug.SetGCPercent(unlimited)
	defer debug.SetGCPercent(before)
	for env, limited := range map[string]bool{"": true, "100": false} {
		t.Setenv("GOGC", env)
		ctx, cancel := context.WithCancel(t.Context())
		LimitHeap(ctx)
		cancel()
		if set := debug.SetGCPercent(unlimited); limited != (set != unlimited) {
			t.Errorf("with GOGC=%q the heap grows by %d %%", env, set)
		}
	}
}
