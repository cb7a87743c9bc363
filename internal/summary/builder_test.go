package summary

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

func TestNothingShared(t *testing.T) {
	var b Builder
	b.Add("", nil)
	b.Add("", []string{""})
	f := b.Filter()
	if f != nil {
		t.Fatalf("a filter of %d bytes", f.Size())
	}
	p := For("key", nil)
	if f.Bytes() != nil || f.Size() != 0 || f.Fill() != 0 || f.Rate(p) != 0 || f.Matches(p) ||
		f.Pairs() || f.Partial() || f.Delta(sharing("key")) != nil || sharing("key").Delta(f) != nil {
		t.Error("a nil filter is not that of nothing")
	}
	if _, err := f.Apply([]byte{0, 0}); err == nil {
		t.Error("a delta to nothing was applied")
	}
}

func TestSize(t *testing.T) {
	for _, c := range []struct{ keys, size int }{
		{1, Step},
		{204, Step},
		{205, 2 * Step},
		{1000, 2560},
		{26_000, MaxSize - Step},
		{26_300, MaxSize},
		{36_000, MaxSize},
	} {
		f := withKeys(c.keys)
		if f.Size() != c.size || f.Partial() || !f.Pairs() {
			t.Errorf("%d keys: %d bytes, partial %v, pairs %v", c.keys, f.Size(), f.Partial(), f.Pairs())
		}
		if f.Fill() > 0.51 || f.Size() < MaxSize && f.Fill() > 0.41 {
			t.Errorf("%d keys: %.2f full", c.keys, f.Fill())
		}
	}
}

// Pairs go first, then the keys that were added last, and the filter says so.
func TestTooMuchToTell(t *testing.T) {
	var b Builder
	for i := range 4000 {
		b.Add("", nameOf(i, 6)) // 15 pairs each
	}
	f := b.Filter()
	if f.Pairs() || f.Partial() || f.Size() >= MaxSize {
		t.Errorf("many pairs: pairs %v, partial %v, %d bytes", f.Pairs(), f.Partial(), f.Size())
	}
	for i := range 4000 {
		if !f.Matches(For("", nameOf(i, 6))) {
			t.Fatalf("name %d is not in it", i)
		}
	}
	if !f.Matches(For("", []string{nameOf(1, 6)[0], nameOf(2, 6)[0]})) {
		t.Error("a pair was tested in a filter without pairs")
	}

	for _, keys := range []int{45_000, 60_000} {
		f := withKeys(keys)
		if f.Pairs() || !f.Partial() || f.Size() != MaxSize || f.Fill() > MaxFill || f.Fill() < MaxFill-0.001 {
			t.Errorf("%d keys: pairs %v, partial %v, %d bytes, %.3f full", keys, f.Pairs(), f.Partial(), f.Size(), f.Fill())
		}
		if _, err := Parse(f.Bytes()); err != nil {
			t.Error(err)
		}
		for i := range 40_000 {
			if !f.Matches(For(fmt.Sprint("key", i), nil)) {
				t.Fatalf("key %d of %d is not in it", i, keys)
			}
		}
	}
}

// Words that were chosen to fill a filter get a bigger one, not one that is refused.
func TestTermsChosenNotToCollide(t *testing.T) {
	var b Builder
	f := &Filter{bits: make([]byte, Step)}
	for i := 0; len(b.exact.list) < 190; i++ {
		key := fmt.Sprint(i)
		fresh := 0
		for _, h := range Key(key).probes() {
			fresh += int(1 - bit(f.bits, h))
		}
		if fresh < Hashes {
			continue
		}
		b.Add(key, nil)
		f.put([]Term{Key(key)})
	}
	made := b.Filter()
	if made.Size() == Step || made.Partial() {
		t.Errorf("%d bytes, partial %v", made.Size(), made.Partial())
	}
	if _, err := Parse(made.Bytes()); err != nil {
		t.Error(err)
	}
}

func TestOneIndexGivesOneFilter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		index := entries().Draw(t, "index")
		order := rapid.Permutation(index).Draw(t, "another order")
		if !bytes.Equal(filterOf(index).Bytes(), filterOf(append(order, order...)).Bytes()) {
			t.Fatal("order or repetition make another filter")
		}
	})
}

// entry is one of an index.
type entry struct {
	key   string
	words []string
}

// word draws from few, so that names share words.
func word() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching("[a-d]{1,2}"),
		rapid.SampledFrom([]string{"", "東京", "京都", "\x00", "a\x00"}),
	)
}

func entries() *rapid.Generator[[]entry] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) entry {
		return entry{
			key:   rapid.StringMatching("[a-c]{0,2}").Draw(t, "key"),
			words: rapid.SliceOfN(word(), 0, 2*PairWords).Draw(t, "words"),
		}
	}), 0, 12)
}

func filterOf(index []entry) *Filter {
	var b Builder
	for _, e := range index {
		b.Add(e.key, e.words)
	}
	return b.Filter()
}

func withKeys(n int) *Filter {
	var b Builder
	for i := range n {
		b.Add(fmt.Sprint("key", i), nil)
	}
	return b.Filter()
}

func nameOf(i, words int) (name []string) {
	for w := range words {
		name = append(name, fmt.Sprintf("%d/%d", i, w))
	}
	return name
}
