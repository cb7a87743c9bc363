package summary

import (
	"crypto/sha256"
	"encoding/binary"
)

// Term is what a filter is asked for: the hash of a key, a word or a pair of words.
// Terms of different kinds differ.
type Term struct{ a, b uint64 }

// The kinds of terms, the first byte of what is hashed.
const (
	kindKey  = 'k'
	kindWord = 'w'
	kindPair = 'p'
	kindLong = 'l'
)

// onStack is how long a text may be that is hashed without an allocation: two words of
// the longest kind.
const onStack = 160

// Key is the term of an exact key.
func Key(key string) Term { return hash(kindKey, key) }

// Word is the term of a word of a name.
func Word(word string) Term { return hash(kindWord, word) }

// Long is the term of a word of a name with so many words that its pairs are not
// listed.
func Long(word string) Term { return hash(kindLong, word) }

// Pair is the term of two words of one name, in either order.
func Pair(v, w string) Term {
	if w < v {
		v, w = w, v
	}
	text := make([]byte, 0, onStack)
	text = append(text, kindPair)
	text = binary.AppendUvarint(text, uint64(len(v)))
	text = append(text, v...)
	return sum(append(text, w...))
}

func hash(kind byte, text string) Term {
	buf := make([]byte, 0, onStack)
	return sum(append(append(buf, kind), text...))
}

func sum(text []byte) Term {
	h := sha256.Sum256(text)
	return Term{a: binary.BigEndian.Uint64(h[:8]), b: binary.BigEndian.Uint64(h[8:16])}
}

// probes returns the numbers that the term's positions follow from, whatever the size
// of the filter. They are the stream of SplitMix64 (Steele, Lea, Flood 2014) from a in
// steps of b. Unmixed, a b close to 0 would put all ten on one bit: such keys are quick
// to find, and would match 40 % of the filters of all honest peers.
func (t Term) probes() (all [Hashes]uint64) {
	at, step := t.a, t.b|1
	for i := range all {
		all[i] = mix(at)
		at += step
	}
	return all
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
