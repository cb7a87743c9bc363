package sim

import (
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
)

// Live returns the live nodes, in order.
func (n *Network) Live() []int {
	live := make([]int, 0, n.live)
	for id, x := range n.nodes {
		if x.alive {
			live = append(live, id)
		}
	}
	return live
}

// Neighbours returns a node's active view.
func (n *Network) Neighbours(node int) []int {
	view := make([]int, len(n.nodes[node].view))
	for i, p := range n.nodes[node].view {
		view[i] = int(p)
	}
	return view
}

// Core returns the core of a live node, to look into.
func (n *Network) Core(node int) *overlay.Core { return n.nodes[node].core }

// linked tells whether both nodes have each other as a neighbour.
func (n *Network) linked(a, b int32) bool {
	return n.nodes[a].alive && n.nodes[b].alive &&
		slices.Contains(n.nodes[a].view, b) && slices.Contains(n.nodes[b].view, a)
}

// Components returns the sizes of the parts that the live nodes fall into, by
// links that both ends believe in; the largest first.
func (n *Network) Components() []int {
	seen := make([]bool, len(n.nodes))
	var sizes []int
	var todo []int32
	for id, x := range n.nodes {
		if !x.alive || seen[id] {
			continue
		}
		size := 0
		todo = append(todo[:0], int32(id))
		seen[id] = true
		for len(todo) > 0 {
			at := todo[len(todo)-1]
			todo = todo[:len(todo)-1]
			size++
			for _, p := range n.nodes[at].view {
				if !seen[p] && n.linked(at, p) {
					seen[p] = true
					todo = append(todo, p)
				}
			}
		}
		sizes = append(sizes, size)
	}
	slices.Sort(sizes)
	slices.Reverse(sizes)
	return sizes
}

// Views describes the active views of the live nodes, counting only links that
// are whole: both ends live and believe in them.
type Views struct {
	Least, Most int
	Mean        float64
	OneSided    int // links that only one end believes in, or that lead to the dead
	Sizes       []int
}

// Views measures the active views.
func (n *Network) Views() Views {
	v := Views{}
	sum := 0
	for id, x := range n.nodes {
		if !x.alive {
			continue
		}
		size := 0
		for _, p := range x.view {
			if n.linked(int32(id), p) {
				size++
			} else {
				v.OneSided++
			}
		}
		v.Sizes = append(v.Sizes, size)
		sum += size
	}
	if len(v.Sizes) == 0 {
		return v
	}
	slices.Sort(v.Sizes)
	v.Least, v.Most = v.Sizes[0], v.Sizes[len(v.Sizes)-1]
	v.Mean = float64(sum) / float64(len(v.Sizes))
	return v
}

// Position returns where a node lies in the unit square: distances in it are
// latencies, unless the configuration has its own.
func (n *Network) Position(node int) (x, y float64) { return n.nodes[node].x, n.nodes[node].y }

// State returns what the live nodes know of others' summaries: the mean number of
// origins, and of bytes that they take.
func (n *Network) State() (origins, bytes float64) {
	for _, x := range n.nodes {
		if x.alive {
			origins += float64(x.core.Origins())
			bytes += float64(x.core.StateBytes())
		}
	}
	live := float64(max(1, n.live))
	return origins / live, bytes / live
}

// Happenings returns how many events the network has gone through.
func (n *Network) Happenings() uint64 { return n.happened }

// Stats adds up the counters of all live nodes.
func (n *Network) Stats() overlay.Stats {
	var sum overlay.Stats
	for _, x := range n.nodes {
		if x.alive {
			s := x.core.Stats()
			sum.Add(&s)
		}
	}
	return sum
}
