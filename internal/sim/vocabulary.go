package sim

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

const (
	// wordsOfName is of how many words each name is made.
	wordsOfName = 3
	// termsOfName is how many filter entries a name comes to: its words and pairs of
	// them. Words that other names have too count once, but for this.
	termsOfName = wordsOfName + wordsOfName*(wordsOfName-1)/2

	// vocabularySize and zipf make words as common as those of a language: the
	// commonest is one word of nine.
	vocabularySize = 50_000
	zipf           = 1.05
	// commonest and rarest bound the ranks of the words of queries: with 1,000
	// entries a library, such a word is in one of 11 to one of 120 libraries, and
	// hardly a pair of them is in one of 30,000.
	commonest = 500
	rarest    = 5_000
)

// vocabulary makes up names.
type vocabulary struct {
	rng  *rand.Rand
	zipf *rand.Zipf
}

func newVocabulary(rng *rand.Rand) *vocabulary {
	return &vocabulary{rng: rng, zipf: rand.NewZipf(rng, zipf, 1, vocabularySize-1)}
}

// name is a name of an item: the ranks of its words.
type name struct {
	ranks  [wordsOfName]uint16
	wanted bool
}

// draw returns a name like most.
func (v *vocabulary) draw() (n name) {
	for i := range n.ranks {
		n.ranks[i] = uint16(v.zipf.Uint64())
	}
	return n
}

// wanted returns a name that is looked for.
func (v *vocabulary) wanted() name {
	n := name{wanted: true}
	for i := 0; i < len(n.ranks); {
		rank := uint16(v.zipf.Uint64())
		if rank >= commonest && rank < rarest && !slices.Contains(n.ranks[:i], rank) {
			n.ranks[i] = rank
			i++
		}
	}
	return n
}

// names returns those of a library of so many filter entries.
func (v *vocabulary) names(entries int) []name {
	var list []name
	terms := map[[2]uint16]struct{}{} // a word is a pair with itself
	for len(terms) < entries {
		n := v.draw()
		list = append(list, n)
		for i, a := range n.ranks {
			for _, b := range n.ranks[i:] {
				terms[[2]uint16{min(a, b), max(a, b)}] = struct{}{}
			}
		}
	}
	return list
}

func word(rank uint16) string { return "w" + strconv.Itoa(int(rank)) }

func (n name) words() []string {
	list := make([]string, 0, wordsOfName)
	for _, rank := range n.ranks {
		list = append(list, word(rank))
	}
	return list
}

func (n name) String() string { return strings.Join(n.words(), " ") }

// has tells whether all words are in the name.
func (n name) has(words []string) bool {
	for _, w := range words {
		rank, err := strconv.ParseUint(strings.TrimPrefix(w, "w"), 10, 16)
		if err != nil || !slices.Contains(n.ranks[:], uint16(rank)) {
			return false
		}
	}
	return true
}
