package backup

import (
	"math/rand/v2"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Candidate is a peer that offers to hold blobs.
type Candidate struct {
	Peer   peer.ID
	Host   string // its public IP address, "" if it has none
	Group  string // the part of the Internet that it is in, "" if it has no public address
	Quota  int64  // bytes that its owner gives
	Held   int64  // of them in use or reserved
	Active int    // transfers under way
	record []byte // its signed peer record
}

func (c Candidate) free() int64 { return c.Quota - c.Held }

// place chooses at most n of the candidates for a blob of size bytes, each once, in
// the order of the chain; none that is so busy that it would refuse. It prefers hosts
// and groups that hold no copy yet, those of taken included; among equals it looks at
// two at random and takes the one with fewer transfers, then with the larger free share
// (power of two choices, Mitzenmacher 1996: it spreads load nearly as well as looking at
// all, and does not send everybody to the same emptiest peer).
func place(candidates, taken []Candidate, n int, size int64, rng *rand.Rand) []Candidate {
	used := make(map[peer.ID]bool)
	hosts, groups := make(map[string]int), make(map[string]int)
	note := func(c Candidate) {
		used[c.Peer] = true
		if c.Host != "" {
			hosts[c.Host]++
		}
		if c.Group != "" {
			groups[c.Group]++
		}
	}
	for _, c := range taken {
		note(c)
	}
	need := size + treeSize(size)
	var chosen []Candidate
	for len(chosen) < n {
		// The best class: the fewest copies on the host, then in the group.
		var class []Candidate
		bestHost, bestGroup := 0, 0
		for _, c := range candidates {
			if used[c.Peer] || c.free() < need || c.Active >= maxTransfers {
				continue
			}
			h, g := hosts[c.Host], groups[c.Group]
			if len(class) > 0 && (h > bestHost || h == bestHost && g > bestGroup) {
				continue
			}
			if len(class) > 0 && (h < bestHost || g < bestGroup) {
				class = class[:0]
			}
			bestHost, bestGroup = h, g
			class = append(class, c)
		}
		if len(class) == 0 {
			break
		}
		i := rng.IntN(len(class))
		if len(class) > 1 {
			j := rng.IntN(len(class) - 1)
			if j >= i {
				j++
			}
			if better(class[j], class[i]) {
				i = j
			}
		}
		note(class[i])
		chosen = append(chosen, class[i])
	}
	return chosen
}

// better tells whether a should rather get a blob than b.
func better(a, b Candidate) bool {
	if a.Active != b.Active {
		return a.Active < b.Active
	}
	return share(a) > share(b)
}

func share(c Candidate) float64 { return float64(c.free()) / float64(c.Quota) }
