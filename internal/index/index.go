// Package index finds things by a string that each has in itself.
package index

import (
	"hash/maphash"
	"math"
)

// Index is a map from strings to things that keeps only the strings' hashes, in two
// thirds of the room. The things' strings do not change while they are in it. It has no
// lock.
type Index[K ~string, E any] struct {
	seed  maphash.Seed
	mask  uint64 // of the hashes; tests have few
	key   func(E) K
	first map[uint64]E
	twins map[K]E // those whose hash another had when they came
}

// New returns an empty index by the string that key finds in a thing.
func New[K ~string, E any](key func(E) K) *Index[K, E] {
	return &Index[K, E]{seed: maphash.MakeSeed(), mask: math.MaxUint64, key: key, first: make(map[uint64]E), twins: make(map[K]E)}
}

// Len is the number of things.
func (x *Index[K, E]) Len() int { return len(x.first) + len(x.twins) }

// Get finds a thing; its zero value if there is none.
func (x *Index[K, E]) Get(key K) (found E) {
	if e, some := x.first[x.hash(key)]; some && x.key(e) == key {
		return e
	}
	return x.twins[key]
}

// Put adds a thing, in place of one with the same string.
func (x *Index[K, E]) Put(e E) {
	key := x.key(e)
	hash := x.hash(key)
	if other, some := x.first[hash]; some && x.key(other) != key {
		x.twins[key] = e
		return
	}
	x.first[hash] = e
	delete(x.twins, key)
}

// Delete takes out the thing with that string, if there is one.
func (x *Index[K, E]) Delete(key K) {
	hash := x.hash(key)
	if e, some := x.first[hash]; some && x.key(e) == key {
		delete(x.first, hash)
		return
	}
	delete(x.twins, key)
}

func (x *Index[K, E]) hash(key K) uint64 { return maphash.String(x.seed, string(key)) & x.mask }
