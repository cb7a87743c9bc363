package federation

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

// BenchmarkClaims claims names, 256 at the same time, at a federation of one.
func BenchmarkClaims(b *testing.B) {
	for _, on := range []string{"memory", "disk"} {
		b.Run(on, func(b *testing.B) {
			s := newServer(b, 1)
			if on == "disk" {
				stores, err := OpenStores(b.TempDir())
				if err != nil {
					b.Fatal(err)
				}
				s.stores = stores
			}
			s.start(b, newMemNet(1))
			defer s.stop(b)
			alice := owner(b, 1)
			var next atomic.Int64
			var wg sync.WaitGroup
			b.ResetTimer()
			for range 256 {
				wg.Go(func() {
					for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
						c := claimOf(alice, fmt.Sprintf("name %d", i), 1)
						c.MaxPerOwner, c.MaxNames, c.Term = 1_000_000, 1_000_000, keepTerm
						if _, err := s.Claim(context.Background(), c); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "claims/s")
		})
	}
}

// BenchmarkRenewals renews 10,000 names at once at a federation of one on disk.
func BenchmarkRenewals(b *testing.B) {
	s := newServer(b, 1)
	stores, err := OpenStores(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	s.stores = stores
	s.start(b, newMemNet(1))
	defer s.stop(b)
	alice := owner(b, 1)
	var all []names.Renewal
	var wg sync.WaitGroup
	for i := range 10_000 {
		c := claimOf(alice, fmt.Sprintf("name %d", i), 1)
		c.MaxPerOwner, c.MaxNames, c.Term = 1_000_000, 1_000_000, keepTerm
		all = append(all, names.Renewal{Key: c.Key, Owner: alice})
		wg.Go(func() {
			if _, err := s.Claim(context.Background(), c); err != nil {
				b.Error(err)
			}
		})
		if i%500 == 0 {
			wg.Wait()
		}
	}
	wg.Wait()
	b.ResetTimer()
	for range b.N {
		if lost, err := s.Renew(context.Background(), all); err != nil || len(lost) > 0 {
			b.Fatal(len(lost), err)
		}
	}
	b.ReportMetric(float64(b.N*len(all))/b.Elapsed().Seconds(), "renewals/s")
}
