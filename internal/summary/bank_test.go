package summary

import (
	"fmt"
	"testing"
)

func keys(origin, n int) *Filter {
	var b Builder
	for i := range n {
		b.Add(fmt.Sprintf("key %d of %d", i, origin), nil)
	}
	return b.Filter()
}

func BenchmarkMatch600(b *testing.B) {
	var bank Bank
	for o := range 600 {
		bank.Add(keys(o, 1000))
	}
	var ps []*Pattern
	for i := range 1024 {
		ps = append(ps, For(fmt.Sprintf("absent %d", i), nil))
	}
	slots := make([]int32, 0, 600)
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		slots = bank.Match(ps[i%len(ps)], slots[:0])
		i++
	}
}

func TestSmoke(t *testing.T) {
	f := keys(1, 1000)
	fmt.Println(f.Size(), f.Fill())
	if !f.Matches(For("key 3 of 1", nil)) || f.Matches(For("key 3 of 2", nil)) {
		t.Error("x")
	}
	g, err := f.Apply(f.Delta(keys(1, 1005)))
	fmt.Println(g.Size(), err, len(f.Delta(keys(1, 1005))))
	g, err = Parse(f.Bytes())
	fmt.Println(g.Fill(), err)
}
