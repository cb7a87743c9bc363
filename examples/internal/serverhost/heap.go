package serverhost

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// By how many per cent of what is live the heap may grow between two collections. Most of
// a big one is leases, which live long: to collect often keeps their memory dense. But who
// asks waits while that is done, so it is done as seldom as Go does it by itself as long
// as the heap is smaller than denseFrom.
const (
	usualGrowth  = 100
	denseGrowth  = 20
	denseFrom    = 64 << 20
	heapInterval = time.Second
)

// LimitHeap keeps the program's memory near what is live until ctx ends, unless GOGC is
// in the environment.
func LimitHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	set := 0
	adjust := func() {
		live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(live)
		if want := growth(live[0].Value.Uint64()); want < set*9/10 || want > set*11/10 {
			set = want
			debug.SetGCPercent(set) // which stops the program for a moment
		}
	}
	adjust()
	go func() {
		ticker := time.NewTicker(heapInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				adjust()
			}
		}
	}()
}

// growth is by how many per cent a heap may grow of which so many bytes are live.
func growth(live uint64) int {
	left := denseFrom - int64(min(live, denseFrom))
	return max(denseGrowth, int(min(usualGrowth, 100*left/int64(max(live, 1)))))
}
