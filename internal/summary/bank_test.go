package summary

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestBankKeepsSlotsApart(t *testing.T) {
	var b Bank
	one, two := sharing("one"), sharing("two")
	if b.Add(one) != 0 || b.Add(two) != 1 || b.Add(one) != 2 {
		t.Fatal("slots are not given in order")
	}
	if got := b.Match(For("one", nil), nil); !slices.Equal(got, []int32{0, 2}) {
		t.Errorf("matches %v", got)
	}
	if b.Len() != 3 || b.Bytes() != 3*Step || b.Get(1) != two {
		t.Errorf("%d filters, %d bytes, %v", b.Len(), b.Bytes(), b.Get(1))
	}
	b.Remove(0)
	b.Remove(0) // does nothing
	b.Remove(-1)
	b.Remove(99)
	if b.Len() != 2 || b.Bytes() != 2*Step || b.Get(0) != nil || b.Get(-1) != nil || b.Get(3) != nil {
		t.Errorf("%d filters, %d bytes after one was removed", b.Len(), b.Bytes())
	}
	if got := b.Match(For("one", nil), nil); !slices.Equal(got, []int32{2}) {
		t.Errorf("matches %v after one was removed", got)
	}
	if at := b.Add(two); at != 0 {
		t.Errorf("slot %d, want that of the one removed", at)
	}
	b.Set(2, two)
	if got := b.Match(For("two", nil), []int32{7}); !slices.Equal(got, []int32{7, 0, 1, 2}) {
		t.Errorf("matches %v after one was replaced", got)
	}
	b.Set(1, nil)
	if got := b.Match(For("two", nil), nil); !slices.Equal(got, []int32{0, 2}) || b.Len() != 3 {
		t.Errorf("matches %v of %d after one was emptied", got, b.Len())
	}
}

func TestBankMatchesWhatItsFiltersMatch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b Bank
		fill := rapid.IntRange(0, 2*together).Draw(t, "filters of the first kind")
		for range fill {
			b.Add(sharing("a"))
		}
		for _, index := range rapid.SliceOfN(entries(), 0, 20).Draw(t, "indices") {
			b.Add(filterOf(index))
		}
		for _, at := range rapid.SliceOfN(rapid.IntRange(0, 100), 0, 10).Draw(t, "removed") {
			b.Remove(at)
		}
		p := For(rapid.SampledFrom([]string{"", "a"}).Draw(t, "key"), rapid.SliceOfN(word(), 0, 3).Draw(t, "words"))
		var want []int32
		for at := range fill + 20 {
			if b.Get(at).Matches(p) {
				want = append(want, int32(at))
			}
		}
		if got := b.Match(p, nil); !slices.Equal(got, want) {
			t.Fatalf("matches %v, want %v", got, want)
		}
	})
}

func TestBankTestsPairs(t *testing.T) {
	var b Bank
	b.Add(filterOf([]entry{{"", []string{"u", "v"}}, {"", []string{"v", "w"}}}))
	b.Add(filterOf([]entry{{"", []string{"u", "w"}}}))
	if got := b.Match(For("", []string{"w", "u"}), nil); !slices.Equal(got, []int32{1}) {
		t.Errorf("matches %v", got)
	}
}

func TestMatchAllocatesNothing(t *testing.T) {
	var b Bank
	for range 600 {
		b.Add(sharing("one"))
	}
	slots := make([]int32, 0, b.Len())
	for _, p := range []*Pattern{For("one", nil), For("two", nil), For("one", []string{"v", "w"})} {
		if n := testing.AllocsPerRun(10, func() { slots = b.Match(p, slots[:0]) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	}
}

// sharing returns the filter of a peer that shares one key.
func sharing(key string) *Filter {
	var b Builder
	b.Add(key, nil)
	return b.Filter()
}

// thousand returns the filter of a peer that shares 1,000 keys, and half as many words
// in names of two, if asked for.
func thousand(origin int, names bool) *Filter {
	var b Builder
	for i := range 1000 {
		var words []string
		if names {
			words = []string{fmt.Sprint("left", i%250), fmt.Sprint("right", (i+origin)%250)}
		}
		b.Add(fmt.Sprintf("key %d of %d", i, origin), words)
	}
	return b.Filter()
}

func BenchmarkMatch600(b *testing.B) {
	benchmarkMatch(b, false, func(i int) *Pattern { return For(fmt.Sprint("absent", i), nil) })
}

// Every filter has both words, but none in one name.
func BenchmarkMatch600TwoCommonWords(b *testing.B) {
	benchmarkMatch(b, true, func(i int) *Pattern {
		return For("", []string{fmt.Sprint("left", i%250), fmt.Sprint("left", (i+1)%250)})
	})
}

func BenchmarkMatch600TwoRareWords(b *testing.B) {
	benchmarkMatch(b, true, func(i int) *Pattern { return For("", []string{fmt.Sprint("absent", i), fmt.Sprint("missing", i)}) })
}

func benchmarkMatch(b *testing.B, names bool, pattern func(i int) *Pattern) {
	var bank Bank
	for origin := range 600 {
		bank.Add(thousand(origin, names))
	}
	patterns := make([]*Pattern, 1000) // so that the processor learns none by heart
	for i := range patterns {
		patterns[i] = pattern(i)
	}
	slots := make([]int32, 0, bank.Len())
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		slots = bank.Match(patterns[i%len(patterns)], slots[:0])
	}
}

func BenchmarkFor(b *testing.B) {
	for _, c := range []struct {
		name  string
		key   string
		words []string
	}{
		{"key", "a key of some length, such as a hash", nil},
		{"2 words", "", []string{"holiday", "photos"}},
		{"8 words", "", []string{"the", "holiday", "photos", "of", "us", "all", "from", "2026"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				For(c.key, c.words)
			}
		})
	}
}

func BenchmarkFilter(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		thousand(1, true)
	}
}
