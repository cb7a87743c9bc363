package names

import (
	"fmt"
	"runtime"
	"testing"
	"time"
)

// BenchmarkHoldingMemory reports what a name takes, of an owner of its own and with a
// skeleton that differs from it.
func BenchmarkHoldingMemory(b *testing.B) {
	for b.Loop() {
		before := heapBytes()
		s := New()
		for i := range benchNames {
			name := fmt.Sprint("peer-", i)
			c := Claim{
				Key: name, Skeleton: "as " + name, Name: fmt.Sprint("peer-", i), Owner: ownerID(b, i), Seq: 1,
				MaxPerOwner: 1, MaxNames: benchNames, Term: time.Hour, Reserve: time.Hour,
			}
			if o, _ := s.Apply(time.Duration(i), c); o.Kind != Granted {
				b.Fatal(o)
			}
		}
		b.ReportMetric(float64(heapBytes()-before)/benchNames, "B/name")
		runtime.KeepAlive(s)
	}
}

func heapBytes() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
