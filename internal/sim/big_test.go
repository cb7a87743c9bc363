package sim

import (
	"runtime"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

func TestBig(t *testing.T) {
	start := time.Now()
	net := grown(t, 0, 10000)
	report(t, net, "joined")
	for range 4 {
		net.Run(15*time.Second)
		report(t, net, "later")
	}
	t.Logf("%+v", net.Stats())
	s := net.Ask(7, &wire.Query{Key: "x", Max: 1}, 0)
	net.Run(3 * time.Second)
	t.Logf("reach %.4f with %d messages", s.Reach(), s.Messages)
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	t.Logf("wall %v, %d happenings, heap %d MiB, sys %d MiB", time.Since(start), net.Happenings(), m.HeapAlloc>>20, m.Sys>>20)
	runtime.KeepAlive(net)
}
