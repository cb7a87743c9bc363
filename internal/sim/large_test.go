package sim

import (
	"runtime"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestLarge has 10,000 nodes join, and answer a flooded query.
func TestLarge(t *testing.T) {
	start := time.Now()
	holders := 0
	net := network(t, func(cfg *Config) {
		cfg.Index = func(node int, q *wire.Query) []wire.Item {
			if node%(huge/20) != 7 {
				return nil
			}
			return []wire.Item{{Key: q.Key}}
		}
	})
	net.Grow(3, 0)
	net.Run(time.Second)
	net.Arrive(huge-3, 20*time.Second)
	net.Run(35 * time.Second)
	c, v := report(t, net, "joined")
	whole(t, c)
	if v.Least < 16 {
		t.Errorf("a view has %d neighbours", v.Least)
	}
	for id := range huge {
		if id%(huge/20) == 7 {
			holders++
		}
	}
	s := net.Ask(0, &wire.Query{Key: "k", Max: 50}, AskOptions{Strategy: overlay.Flood})
	net.Run(3 * time.Second)
	t.Logf("reach %.2f %%, %d messages, %d of %d hits, the first after %v", 100*s.Reach(), s.Messages, len(s.Hits), holders, s.Took)
	if s.Reach() < 0.99 || len(s.Hits) != holders {
		t.Errorf("reach %.4f, %d of %d hits", s.Reach(), len(s.Hits), holders)
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("%d happenings in %v, %d MiB from the system", net.Happenings(), time.Since(start).Round(time.Millisecond), m.Sys>>20)
	if m.Sys > 2<<30 {
		t.Errorf("took %d MiB of memory", m.Sys>>20)
	}
}
