package sim

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Grow adds count nodes, spread evenly over a time from now on, that join
// through the seeds. Without seeds they join through those added before them. It
// returns the nodes at once; those that are to come later are numbered in order.
func (n *Network) Grow(count int, over time.Duration, seeds ...int) []int {
	first := len(n.nodes)
	nodes := make([]int, count)
	for i := range nodes {
		nodes[i] = first + i
		through := seeds
		if len(seeds) == 0 {
			through = nodes[:min(i, overlay.JoinSeeds)]
		}
		if over == 0 {
			n.Join(n.Add(), through...)
			continue
		}
		n.After(over*time.Duration(i)/time.Duration(count), func() { n.Join(n.Add(), through...) })
	}
	return nodes
}

// Arrive adds count nodes, spread evenly over a time from now on, of which each
// joins through three random live nodes, as a bootstrap server hands them out.
func (n *Network) Arrive(count int, over time.Duration) {
	for i := range count {
		n.After(over*time.Duration(i)/time.Duration(count), func() { n.arrive() })
	}
}

func (n *Network) arrive() int {
	var seeds []int
	for range min(overlay.JoinSeeds, n.live) {
		seeds = append(seeds, n.random())
	}
	id := n.Add()
	n.Join(id, seeds...)
	n.newcomer(id)
	return id
}

// Join makes a node enter the overlay through seeds.
func (n *Network) Join(node int, seeds ...int) {
	contacts := make([]wire.Contact, len(seeds))
	for i, s := range seeds {
		contacts[i] = wire.Contact{Peer: PeerOf(s)}
	}
	n.handle(n.nodes[node], overlay.Event{Kind: overlay.Join, Peers: contacts})
}

// Kill ends nodes without a word: to the others they just fall silent.
func (n *Network) Kill(nodes ...int) {
	for _, id := range nodes {
		if x := n.nodes[id]; x.alive {
			x.alive = false
			n.live--
			x.core, x.links, x.todo = nil, nil, nil
			if n.cfg.Contents != nil {
				n.cfg.Contents.giveBack(x.id)
			}
		}
	}
}

// Leave ends nodes politely.
func (n *Network) Leave(nodes ...int) {
	for _, id := range nodes {
		if x := n.nodes[id]; x.alive {
			n.handle(x, overlay.Event{Kind: overlay.Leave})
			n.Kill(id)
		}
	}
}

// Some returns a random share of the live nodes.
func (n *Network) Some(share float64) []int {
	all := n.Live()
	n.rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all[:int(share*float64(len(all)))]
}

// Partition cuts the given nodes off from all others; links between the two sides
// fall silent.
func (n *Network) Partition(nodes ...int) {
	for _, id := range nodes {
		n.nodes[id].side = 1
	}
}

// Heal ends all partitions.
func (n *Network) Heal() {
	for _, x := range n.nodes {
		x.side = 0
	}
}

// Churn makes nodes come and go for a time: sessions last exponentially, with
// the given mean, and as many come as go, as in Arrive. The polite share of those
// that go says goodbye.
func (n *Network) Churn(over, session time.Duration, polite float64) {
	end := n.now + over
	departs := func(id int) {
		d := time.Duration(n.rng.ExpFloat64() * float64(session))
		if n.now+d > end {
			return
		}
		n.After(d, func() {
			if n.rng.Float64() < polite {
				n.Leave(id)
			} else {
				n.Kill(id)
			}
		})
	}
	for _, id := range n.Live() {
		departs(id)
	}
	gap := float64(session) / float64(n.live)
	var arrives func()
	arrives = func() {
		if n.now > end {
			return
		}
		departs(n.arrive())
		n.After(time.Duration(n.rng.ExpFloat64()*gap), arrives)
	}
	n.After(time.Duration(n.rng.ExpFloat64()*gap), arrives)
}

// random returns a live node; there must be one.
func (n *Network) random() int {
	for {
		if id := n.rng.IntN(len(n.nodes)); n.nodes[id].alive {
			return id
		}
	}
}
