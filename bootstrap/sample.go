package bootstrap

import (
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// sample returns up to n leases of different peers other than except, at random,
// those of peers that are online first.
func (s *story) sample(now time.Time, rng *rand.Rand, n int, except peer.ID) []entry {
	fellows := slices.Sorted(maps.Keys(s.fellows))
	size := s.size()
	nth := func(i int) leaseID {
		if i < s.own.leases.Len() {
			return s.own.leases.All()[i].id()
		}
		i -= s.own.leases.Len()
		for _, fellow := range fellows {
			if t := s.fellows[fellow]; i < len(t.order) {
				return t.order[i].id()
			}
			i -= len(s.fellows[fellow].order)
		}
		return leaseID{}
	}
	var online, away []entry
	seen := map[peer.ID]bool{except: true}
	for i := range spread(rng, size, n) {
		if len(online) == n {
			break
		}
		e, ok := s.find(now, nth(i))
		if !ok || seen[e.claim.peer] || e.claim.hidden || !e.claim.found {
			continue
		}
		seen[e.claim.peer] = true
		if e.online && !e.unconfirmed {
			online = append(online, e)
		} else {
			away = append(away, e)
		}
	}
	return append(online, away[:min(n-len(online), len(away))]...)
}

// spread yields distinct indexes below size in random order: several times as
// many as are wanted, because some will not do, but never so many that a big
// table costs more than a small one.
func spread(rng *rand.Rand, size, wanted int) iter.Seq[int] {
	return func(yield func(int) bool) {
		tries := 8 * wanted
		if size <= 4*tries {
			slices.Values(rng.Perm(size))(yield)
			return
		}
		for seen := make(map[int]bool); len(seen) < tries; {
			i := rng.IntN(size)
			if !seen[i] && !yield(i) {
				return
			}
			seen[i] = true
		}
	}
}
