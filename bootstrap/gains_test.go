package bootstrap

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

// The gains against all that was ever gained: none is forgotten before a claim may be
// overtaken by it, unless there are too many, and then the oldest are.
func TestGains(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 5
		g := newGains(most)
		var all []gain
		now := t0
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 6).Draw(t, "seconds")) * time.Second)
			is := gain{rapid.SampledFrom([]nameKey{"x", "y", "z"}).Draw(t, "name"), rapid.SampledFrom([]peer.ID{"a", "b"}).Draw(t, "owner"), now}
			g.remember(now, is.key, is.owner)
			if all = append(all, is); len(all) > most {
				all = all[1:]
			}
			if len(g.queue) > most || len(g.known) > len(g.queue) {
				t.Fatalf("%d gains are queued, and %d known", len(g.queue), len(g.known))
			}
			began := now.Add(-time.Duration(rapid.IntRange(0, int(claimTimeout/time.Second)).Draw(t, "ago")) * time.Second)
			for _, c := range []*claim{{key: "x", peer: "a"}, {key: "y", peer: "b"}, {key: "z", peer: "c"}} {
				want := false
				for _, other := range all {
					if other.key == c.key {
						want = other.owner != c.peer && !other.at.Before(began)
					}
				}
				if got := g.overtook(c, began); got != want {
					t.Fatalf("a claim of %q by %q is overtaken: %v, want %v", c.key, c.peer, got, want)
				}
			}
		}
	})
}
