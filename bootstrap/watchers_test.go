package bootstrap

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestManyWatchersGatherChanges(t *testing.T) {
	for readers, want := range map[int]time.Duration{0: 0, promptWatchers: 0, promptWatchers + 10_000: time.Second} {
		if got := pauseOf(readers); got != want {
			t.Errorf("%d watchers gather for %s, want %s", readers, got, want)
		}
	}
}

// BenchmarkRegisterWatched measures registrations while others watch, in one
// process.
func BenchmarkRegisterWatched(b *testing.B) {
	for _, watchers := range []int{0, 100, 10_000} {
		b.Run(fmt.Sprint(watchers), func(b *testing.B) {
			s := startServer(b, unlimited, func(s *Server) { s.Lease = time.Hour })
			ctx, cancel := context.WithCancel(b.Context())
			defer cancel()
			var ready, done sync.WaitGroup
			for range watchers {
				changes := s.Watch(ctx)
				ready.Add(1)
				done.Go(func() {
					ready.Done()
					for {
						for _, err := range changes {
							if err != nil {
								break
							}
						}
						if ctx.Err() != nil {
							return
						}
						changes = s.Watch(ctx) // it lagged
					}
				})
			}
			ready.Wait()
			n := 0
			for b.Loop() {
				n++
				c := claimOf(peer.ID(fmt.Sprint("peer", n)), "", 1)
				if _, err := s.commit(ctx, c, manner{}); err != nil {
					b.Fatal(err)
				}
			}
			b.StopTimer()
			cancel()
			done.Wait()
		})
	}
}
