package summary

import "slices"

// Builder collects what a peer shares and makes the filter of it. Its zero value is
// ready. What it keeps is bounded, whatever is added. It is not for use by several
// goroutines at once.
type Builder struct {
	exact   terms // keys and words
	pairs   terms // pairs, and words of long names
	noPairs bool  // there were too many of them
}

// Add adds an entry of an index: its key, which may be empty, and the words of its
// name, if it has one.
func (b *Builder) Add(key string, words []string) {
	words = distinct(words)
	if key != "" {
		b.addExact(Key(key))
	}
	for _, w := range words {
		b.addExact(Word(w))
	}
	if !b.noPairs {
		b.addPairs(words)
	}
	if len(b.exact.list)+len(b.pairs.list) > mostWithPairs {
		b.noPairs, b.pairs = true, terms{}
	}
}

func (b *Builder) addExact(t Term) {
	if len(b.exact.list) < mostTerms {
		b.exact.add(t)
	}
}

// addPairs adds what tells that the words stand in one name. Where they are too many,
// it is marked of each of them that it stands in a long name: then any two that are
// marked must be taken to stand together.
func (b *Builder) addPairs(words []string) {
	if len(words) > PairWords {
		for _, w := range words {
			b.pairs.add(Long(w))
		}
		return
	}
	for i, v := range words {
		for _, w := range words[i+1:] {
			b.pairs.add(Pair(v, w))
		}
	}
}

// Filter returns the filter of what was added so far, nil if there is nothing. It has
// BitsPerEntry for each distinct term, up to MaxSize. If that would be more than half
// full, pairs are left out; if it would be fuller than MaxFill without them, the keys
// and words that were added last are left out too.
func (b *Builder) Filter() *Filter {
	if len(b.exact.list) == 0 {
		return nil
	}
	var flags byte
	if b.noPairs {
		flags |= flagNoPairs
	}
	count := len(b.exact.list) + len(b.pairs.list)
	size := min((count*BitsPerEntry+8*Step-1)/(8*Step)*Step, MaxSize)
	for ; ; size += Step { // once, but for terms that were chosen not to collide
		f := &Filter{bits: make([]byte, size), flags: flags}
		if f.put(b.exact.list) && f.put(b.pairs.list) {
			return f
		}
		if size == MaxSize {
			f.flags |= flagPartial
			return f
		}
	}
}

// put sets the bits of terms in a filter that is being made. It stops, and returns
// false, at one that would make it too full.
func (f *Filter) put(list []Term) bool {
	most := maxOnes(len(f.bits))
	for _, t := range list {
		probes := t.probes()
		fresh := 0
		for _, h := range probes {
			fresh += int(1 - bit(f.bits, h))
		}
		if int(f.ones)+fresh > most {
			return false
		}
		for _, h := range probes {
			at := position(h, len(f.bits))
			f.ones += uint32(1 - bit(f.bits, h))
			f.bits[at>>3] |= 1 << (at & 7)
		}
	}
	return true
}

// terms is a set of terms that keeps the order in which they came, so that the same
// index gives the same filter.
type terms struct {
	list []Term
	seen map[Term]struct{}
}

func (s *terms) add(t Term) {
	if _, ok := s.seen[t]; ok {
		return
	}
	if s.seen == nil {
		s.seen = map[Term]struct{}{}
	}
	s.seen[t] = struct{}{}
	s.list = append(s.list, t)
}

// distinct returns the words without repetitions and without the empty one.
func distinct(words []string) []string {
	all := make([]string, 0, len(words))
	for _, w := range words {
		if w != "" && !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}
