package summary

import (
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestMatches(t *testing.T) {
	long := nameOf(1, PairWords+1)
	f := filterOf([]entry{
		{"k1", []string{"holiday", "photos", "2026"}},
		{"k2", []string{"tax", "return", "2026"}},
		{"k3", nil},
		{"", long},
		{"", nameOf(2, PairWords)},
	})
	for _, c := range []struct {
		name  string
		key   string
		words []string
		want  bool
	}{
		{"nothing", "", nil, false},
		{"only empty words", "", []string{"", ""}, false},
		{"a key", "k1", nil, true},
		{"a key without words", "k3", nil, true},
		{"another key", "k4", nil, false},
		{"a word is no key", "holiday", nil, false},
		{"a key is no word", "", []string{"k1"}, false},
		{"a word", "", []string{"photos"}, true},
		{"a name in another order", "", []string{"2026", "photos", "holiday"}, true},
		{"a word twice", "", []string{"photos", "photos", ""}, true},
		{"a key and a word", "k1", []string{"photos"}, true},
		{"a key and a word that is not there", "k1", []string{"song"}, false},
		{"words of two names", "", []string{"holiday", "tax"}, false},
		{"words of two names and one of both", "", []string{"holiday", "2026", "tax"}, false},
		{"the ends of a long name", "", []string{long[0], long[PairWords]}, true},
		{"words of a long name and of another", "", []string{long[0], "tax"}, false},
		{"words of a name just short enough and of another", "", []string{nameOf(2, 1)[0], "tax"}, false},
		{"all of a name just short enough", "", nameOf(2, PairWords), true},
		{"all of a long name", "", long, true},
	} {
		if got := f.Matches(For(c.key, c.words)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if f.Matches(nil) || f.Rate(nil) != 0 {
		t.Error("no pattern at all matches")
	}
}

// What is shared is found, by its key and by any of its words in any order.
func TestNoFalseNegative(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		index := entries().Draw(t, "index")
		f := filterOf(index)
		for _, e := range index {
			key := ""
			if rapid.Bool().Draw(t, "by key") {
				key = e.key
			}
			words := rapid.Permutation(e.words).Draw(t, "order")
			words = words[:rapid.IntRange(0, len(words)).Draw(t, "how many")]
			p := For(key, words)
			if !p.empty() && !f.Matches(p) {
				t.Fatalf("key %q, words %q of %q are not found", key, words, e.words)
			}
		}
	})
}

// The rate that a filter tells is that with which absent keys match it, whatever its
// size: what an honest peer is judged by.
func TestRate(t *testing.T) {
	const filters, tests = 8, 60_000
	absent := make([]*Pattern, tests)
	for i := range absent {
		absent[i] = For(fmt.Sprint("absent", i), nil)
	}
	for _, keys := range []int{100, 200, 400, 1000, 4000} {
		matches, want := 0, 0.0
		for origin := range filters {
			var b Builder
			for i := range keys {
				b.Add(fmt.Sprintf("%d of %d", i, origin), nil)
			}
			f := b.Filter()
			want += tests * f.Rate(absent[0])
			for _, p := range absent {
				if f.Matches(p) {
					matches++
				}
			}
		}
		// Nothing here is random: the bound can only break when the hashing changes.
		if off := math.Abs(float64(matches) - want); off > 4*math.Sqrt(want)+1 {
			t.Errorf("%d keys: %d false matches of %d, want about %.1f", keys, matches, filters*tests, want)
		}
	}
}

func TestRateCountsWhatIsTested(t *testing.T) {
	f := withKeys(200)
	without := *f
	without.flags |= flagNoPairs
	for _, c := range []struct {
		key             string
		words           []string
		terms, pairless float64
	}{
		{"", nil, math.Inf(1), math.Inf(1)},
		{"key", nil, 1, 1},
		{"", []string{"v"}, 1, 1},
		{"", []string{"v", "w"}, 3, 2},
		{"key", []string{"u", "v", "w"}, 7, 4},
		{"", nameOf(1, QueryWords+2), QueryWords + 2 + QueryWords*(QueryWords-1)/2, QueryWords + 2},
	} {
		p := For(c.key, c.words)
		for f, terms := range map[*Filter]float64{f: c.terms, &without: c.pairless} {
			if got, want := f.Rate(p), math.Pow(f.Fill(), Hashes*terms); math.Abs(got-want) > want/1e6 {
				t.Errorf("key %q, words %q, pairs %v: %g, want %g", c.key, c.words, f.Pairs(), got, want)
			}
		}
	}
}

func TestTerms(t *testing.T) {
	terms := map[Term]string{}
	for name, term := range map[string]Term{
		"key":            Key("a"),
		"word":           Word("a"),
		"long":           Long("a"),
		"pair a, bc":     Pair("a", "bc"),
		"pair ab, c":     Pair("ab", "c"),
		"pair of a":      Pair("a", "a"),
		"pair a and nil": Pair("", "a"),
	} {
		if other, ok := terms[term]; ok {
			t.Errorf("%s is %s", name, other)
		}
		terms[term] = name
	}
	if Pair("v", "w") != Pair("w", "v") {
		t.Error("the order of a pair matters")
	}
	// The numbers that the specification gives: sha256sum of "kgrapevine", and of "p",
	// a byte 1, "ab".
	if got, want := Key("grapevine"), (Term{0xe4b8b5fbfe3c18d5, 0x885c742bd1acd112}); got != want {
		t.Errorf("key: %#x", got)
	}
	if got, want := Pair("b", "a"), (Term{0x865a763d76f81c54, 0x72008e1ab9194b69}); got != want {
		t.Errorf("pair: %#x", got)
	}
	var at []uint64
	for _, h := range Key("grapevine").probes() {
		at = append(at, position(h, Step))
	}
	if got := fmt.Sprint(at); got != "[63 2752 1045 3743 2047 1493 3403 1787 3091 192]" {
		t.Errorf("positions %s", got)
	}
}
