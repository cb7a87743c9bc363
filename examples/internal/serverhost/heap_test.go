package serverhost

import (
	"context"
	"runtime/debug"
	"testing"
)

func TestGrowth(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		before, live uint64
		want         int
	}{
		{0, 0, 100},
		{0, 1 * mib, 100},
		{30 * mib, 32 * mib, 100},
		{38 * mib, 40 * mib, 60},
		{58 * mib, 60 * mib, 14},
		{72 * mib, 75 * mib, 14},
		{75 * mib, 75 * mib, 100},
		{75 * mib, 76 * mib, 100},
		{75 * mib, 60 * mib, 100}, // it does not grow
		{200 * mib, 240 * mib, 100},
	} {
		if got := growth(tt.live, tt.before); got != tt.want {
			t.Errorf("a heap of %d bytes, %d before, grows by %d %%, not %d", tt.live, tt.before, got, tt.want)
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
