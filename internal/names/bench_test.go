package names

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

const benchNames = 100_000

func full(b *testing.B) (*State, []Renewal) {
	b.Helper()
	owners := make([]peer.ID, 1000)
	for i := range owners {
		owners[i] = ownerID(b, i)
	}
	s := New()
	var all []Renewal
	for i := range benchNames {
		name := fmt.Sprintf("name number %d", i)
		c := Claim{
			Key: name, Skeleton: name, Name: name, Owner: owners[i%len(owners)], Seq: 1,
			MaxPerOwner: benchNames, MaxNames: benchNames, Term: time.Hour, Reserve: time.Hour,
		}
		if o, _ := s.Apply(time.Duration(i), c); o.Kind != Granted {
			b.Fatal(o)
		}
		all = append(all, Renewal{name, c.Owner})
	}
	return s, all
}

// BenchmarkRenew renews a batch among 100,000 names.
func BenchmarkRenew(b *testing.B) {
	s, all := full(b)
	b.ResetTimer()
	for i := range b.N {
		at := i * MaxRenewals % (len(all) - MaxRenewals)
		s.Apply(s.Now()+time.Second, Renew{time.Hour, time.Hour, all[at : at+MaxRenewals]})
	}
	b.ReportMetric(float64(b.N)*MaxRenewals/b.Elapsed().Seconds(), "renewals/s")
}

// BenchmarkSnapshot copies and writes 100,000 names.
func BenchmarkSnapshot(b *testing.B) {
	s, _ := full(b)
	b.ResetTimer()
	for range b.N {
		if err := s.Snapshot().Write(io.Discard); err != nil {
			b.Fatal(err)
		}
	}
}
