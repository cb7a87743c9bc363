package summary

// Pattern is what a query asks for, hashed once to be tested against many filters. It
// never changes once made. A nil Pattern matches nothing.
type Pattern struct {
	probes []uint64 // of the key and the words: the first of each, the second of each...
	pairs  []pair
	long   [][Hashes]uint64 // of each word that is in a pair
}

// pair is two words of a query: v and w are their places in Pattern.long.
type pair struct {
	v, w uint8
	both [Hashes]uint64
}

// For returns the pattern of a query for a key, for an entry with all of the words in
// its name, or for both. Without either it matches nothing.
func For(key string, words []string) *Pattern {
	words = distinct(words)
	exact := make([][Hashes]uint64, 0, 1+len(words))
	if key != "" {
		exact = append(exact, Key(key).probes())
	}
	for _, w := range words {
		exact = append(exact, Word(w).probes())
	}
	p := &Pattern{probes: make([]uint64, 0, Hashes*len(exact))}
	for i := range Hashes {
		for t := range exact {
			p.probes = append(p.probes, exact[t][i])
		}
	}
	p.pair(words[:min(len(words), QueryWords)])
	return p
}

func (p *Pattern) pair(words []string) {
	if len(words) < 2 {
		return
	}
	p.long = make([][Hashes]uint64, len(words))
	p.pairs = make([]pair, 0, len(words)*(len(words)-1)/2)
	for i, v := range words {
		p.long[i] = Long(v).probes()
		for j, w := range words[:i] {
			p.pairs = append(p.pairs, pair{v: uint8(i), w: uint8(j), both: Pair(v, w).probes()})
		}
	}
}

func (p *Pattern) empty() bool { return p == nil || len(p.probes) == 0 }
