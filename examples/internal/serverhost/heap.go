package serverhost

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// By how many per cent of what is live the heap may grow between two collections. What is
// garbage while leases come stays as gaps between them, and they live long; so while a heap
// of the size that leases make has just grown it is kept dense. Otherwise it is collected
// as seldom as Go does it by itself, for who asks waits meanwhile.
const (
	usualGrowth  = 100
	denseGrowth  = 14
	denseFrom    = 64 << 20  // live and garbage
	denseTo      = 128 << 20 // live: in bigger ones connections are the most
	heapInterval = 5 * time.Second
)

// LimitHeap keeps the program's memory near what is live until ctx ends, unless GOGC is
// in the environment.
func LimitHeap(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	set, before := 0, uint64(0)
	adjust := func() {
		sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
		metrics.Read(sample)
		live := sample[0].Value.Uint64()
		if want := growth(live, before); want != set {
			set = want
			debug.SetGCPercent(set) // which stops the program for a moment
		}
		before = live
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

// growth is by how many per cent a heap may grow of which so many bytes are live, and
// were an interval before.
func growth(live, before uint64) int {
	if live > denseTo || live <= before+before/64 {
		return usualGrowth
	}
	left := denseFrom - int64(min(live, denseFrom))
	return max(denseGrowth, int(min(usualGrowth, 100*left/int64(max(live, 1)))))
}
