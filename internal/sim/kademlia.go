package sim

import (
	"cmp"
	"math/bits"
	"math/rand/v2"
	"slices"
	"time"
)

// What the model of Kademlia assumes.
const (
	// KademliaBucket is how many contacts a bucket has, how many a reply names, and
	// on how many nodes a record is stored (Maymounkov, Mazières 2002).
	KademliaBucket = 20
	// KademliaAlpha is how many requests are under way at once.
	KademliaAlpha = 3
)

// Kademlia is a model to compare with, not the protocol: the nodes of a network as an
// idealised Kademlia table. Every bucket is full of nodes that were live when the
// model was made, records lie on the 20 nodes closest to their key, and nothing is
// lost. What a request costs is what the overlay's simulation charges: messages take
// the latencies of the same positions, a contact that was not known before needs a
// dial of one round trip, and one that is dead is noticed after ConnectTimeout.
type Kademlia struct {
	network *Network
	seed    uint64
	ids     []uint64 // by place, ascending
	nodes   []int32  // by place
	places  map[int32]int
}

// NewKademlia returns the model of the nodes that are live now.
func NewKademlia(n *Network) *Kademlia {
	k := &Kademlia{network: n, seed: n.cfg.Seed, nodes: nil, places: map[int32]int{}}
	rng := rand.New(rand.NewPCG(k.seed, 1<<41))
	byID := map[uint64]int32{}
	for _, node := range n.Live() {
		id := rng.Uint64()
		byID[id] = int32(node)
		k.ids = append(k.ids, id)
	}
	slices.Sort(k.ids)
	for at, id := range k.ids {
		k.nodes = append(k.nodes, byID[id])
		k.places[byID[id]] = at
	}
	return k
}

// Lookup is what one look-up came to.
type Lookup struct {
	Messages int           // requests and replies
	Took     time.Duration // until the first reply with a record
	Found    bool
}

// Confirmed looks up the record of a key, and then asks the providers that it names,
// one after the other, until one answers. That is what a hit of the overlay tells
// unasked: that somebody is there who has it now. Each of them needs a dial.
func (k *Kademlia) Confirmed(node int, key uint64, providers []int) Lookup {
	l := k.Find(node, key)
	if !l.Found {
		return l
	}
	for _, provider := range providers {
		from, to := int32(node), int32(provider)
		l.Messages++
		if !k.network.reachable(from, to) {
			l.Took += k.network.cfg.ConnectTimeout
			continue
		}
		l.Messages++
		l.Took += 2 * (k.network.latency(from, to) + k.network.latency(to, from))
		return l
	}
	l.Found = false
	return l
}

// request is one that is under way.
type request struct {
	place  int
	answer time.Duration
	fails  bool
}

// Find looks up the record of a key from a node: alpha requests at a time to the
// closest contacts known, until one of them has the record or all of the closest have
// answered. It changes nothing.
func (k *Kademlia) Find(node int, key uint64) Lookup {
	from := int32(node)
	var (
		result   Lookup
		now      time.Duration
		underway []request
		asked    = map[int]bool{k.places[from]: true}
		dead     = map[int]bool{}
		known    = k.table(k.places[from]) // contacts that need no dial
		queue    = k.closest(slices.Clone(known), key)
		holders  = k.closest(nil, key)
	)
	if slices.Contains(holders, k.places[from]) {
		return Lookup{Found: true}
	}
	for {
		for _, place := range queue[:min(len(queue), KademliaBucket)] {
			if len(underway) == KademliaAlpha {
				break
			}
			if asked[place] {
				continue
			}
			asked[place] = true
			to := k.nodes[place]
			r := request{place: place}
			result.Messages++
			if k.network.reachable(from, to) {
				trip := k.network.latency(from, to) + k.network.latency(to, from)
				r.answer = now + trip
				if !slices.Contains(known, place) {
					r.answer += trip
				}
				result.Messages++
			} else {
				r.answer, r.fails = now+k.network.cfg.ConnectTimeout, true
			}
			underway = append(underway, r)
		}
		if len(underway) == 0 {
			result.Took = now
			return result
		}
		first := 0
		for i := range underway {
			if underway[i].answer < underway[first].answer {
				first = i
			}
		}
		r := underway[first]
		underway = slices.Delete(underway, first, first+1)
		now = r.answer
		if r.fails {
			dead[r.place] = true
			queue = slices.DeleteFunc(queue, func(place int) bool { return place == r.place })
			continue
		}
		if slices.Contains(holders, r.place) {
			result.Took, result.Found = now, true
			return result
		}
		for _, place := range k.closest(k.table(r.place), key) {
			if !dead[place] && !slices.Contains(queue, place) {
				queue = append(queue, place)
			}
		}
		queue = k.sorted(queue, key)
	}
}

// table returns the contacts of a node: up to a bucket of random ones for each length
// of prefix that they share with it.
func (k *Kademlia) table(place int) []int {
	self := k.ids[place]
	rng := rand.New(rand.NewPCG(k.seed, self))
	var contacts []int
	for depth := range 64 {
		low, high := k.sharing(self^1<<(63-depth), depth+1)
		if high-low <= KademliaBucket {
			for at := low; at < high; at++ {
				contacts = append(contacts, at)
			}
		} else {
			first := len(contacts)
			for len(contacts) < first+KademliaBucket {
				if at := low + rng.IntN(high-low); !slices.Contains(contacts[first:], at) {
					contacts = append(contacts, at)
				}
			}
		}
		if low, high := k.sharing(self, depth+1); high-low == 1 {
			break // nobody else is as close
		}
	}
	return contacts
}

// sharing returns the places of the IDs that begin with the first bits of id.
func (k *Kademlia) sharing(id uint64, first int) (low, high int) {
	rest := ^uint64(0) >> first
	low, _ = slices.BinarySearch(k.ids, id&^rest)
	high, found := slices.BinarySearch(k.ids, id|rest)
	if found {
		high++
	}
	return low, high
}

// closest returns the bucket of places that are closest to a key: of those given, or
// of all if none are.
func (k *Kademlia) closest(of []int, key uint64) []int {
	if of == nil {
		// All IDs that share enough bits with the key, a bucket of them at least.
		for first := bits.Len(uint(len(k.ids))); first >= 0; first-- {
			low, high := k.sharing(key, first)
			if high-low >= KademliaBucket || first == 0 {
				for at := low; at < high; at++ {
					of = append(of, at)
				}
				break
			}
		}
	}
	of = k.sorted(of, key)
	return of[:min(len(of), KademliaBucket)]
}

func (k *Kademlia) sorted(places []int, key uint64) []int {
	slices.SortFunc(places, func(a, b int) int { return cmp.Compare(k.ids[a]^key, k.ids[b]^key) })
	return places
}
