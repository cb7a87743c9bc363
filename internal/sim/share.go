package sim

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Share hands a node's core the summary of what the node shares.
func (n *Network) Share(node int, f *summary.Filter) {
	if x := n.nodes[node]; x.alive {
		n.handle(x, overlay.Event{Kind: overlay.Share, Filter: f})
	}
}

// ShareAll makes all live nodes share the network's Contents, one after the other
// within a time from now on. Those that come later share when they come.
func (n *Network) ShareAll(over time.Duration) {
	n.sharing = true
	live := n.Live()
	for i, id := range live {
		n.After(over*time.Duration(i)/time.Duration(len(live)), func() { n.shareNow(id) })
	}
}

// shareNow makes a node tell what it shares; a hostile one lies.
func (n *Network) shareNow(node int) {
	x := n.nodes[node]
	if !x.alive {
		return
	}
	f := n.fakers.filter(x)
	if f == nil && n.cfg.Contents != nil {
		f = n.cfg.Contents.Filter(node)
	}
	n.Share(node, f)
}

// newcomer makes a node that came late do as the others do.
func (n *Network) newcomer(node int) {
	if n.fakers.share > 0 && n.rng.Float64() < n.fakers.share {
		n.corrupt(node)
	}
	if n.sharing {
		n.shareNow(node)
	}
}

// Change makes every live node replace a share of what it has, once a minute for a
// time, each at a moment of its own.
func (n *Network) Change(over time.Duration, share float64) {
	count := int(share*float64(n.cfg.Contents.cfg.Entries) + 0.5)
	end := n.now + over
	for _, id := range n.Live() {
		var turn func()
		turn = func() {
			if n.now > end || !n.nodes[id].alive || n.nodes[id].hostile != nil {
				return
			}
			n.cfg.Contents.change(id, count)
			n.shareNow(id)
			n.After(time.Minute, turn)
		}
		n.After(time.Duration(n.rng.Int64N(int64(time.Minute))), turn)
	}
}

// index answers a query at a node.
func (n *Network) index(node int, q *wire.Query) []wire.Item {
	switch {
	case n.cfg.Contents != nil:
		return n.cfg.Contents.Index(node, q)
	case n.cfg.Index != nil:
		return n.cfg.Index(node, q)
	}
	return nil
}

// Holders returns the live, honest nodes that were given what Contents calls its
// query i.
func (n *Network) Holders(i int) []int {
	c := n.cfg.Contents
	var list []int
	for _, at := range c.wanted[i].holders {
		if id := c.libraries[at].node; id >= 0 && n.nodes[id].hostile == nil {
			list = append(list, int(id))
		}
	}
	return list
}
