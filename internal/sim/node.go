package sim

import (
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// node is one simulated node and the driver of its core.
type node struct {
	id      int32
	peer    wire.PeerID
	core    *overlay.Core
	contact []wire.Contact // its own, as others receive it
	alive   bool
	side    int // of a partition
	x, y    float64
	links   map[int32]*link
	view    []int32 // its neighbours, as told by Up and Down
	tickAt  time.Duration
	matches []match
}

type match struct {
	guid  wire.GUID
	items []wire.Item
}

// PeerOf returns the peer ID of a node.
func PeerOf(node int) wire.PeerID { return wire.PeerID("n" + strconv.Itoa(node)) }

// NodeOf returns the node with a peer ID, or -1.
func NodeOf(peer wire.PeerID) int {
	if len(peer) < 2 || peer[0] != 'n' {
		return -1
	}
	id := 0
	for i := 1; i < len(peer); i++ {
		d := int(peer[i]) - '0'
		if d < 0 || d > 9 || id > math.MaxInt32/10 {
			return -1
		}
		id = 10*id + d
	}
	return id
}

func distance(x, y float64) float64 { return math.Sqrt(x*x + y*y) }

// Add starts a node that knows nobody, and returns it.
func (n *Network) Add() int {
	id := len(n.nodes)
	peer := PeerOf(id)
	core, err := overlay.New(n.cfg.Overlay, peer, rand.New(rand.NewPCG(n.cfg.Seed, uint64(id)+1)))
	if err != nil {
		panic(err) // New has checked the configuration
	}
	x := &node{
		id: int32(id), peer: peer, core: core, alive: true,
		contact: []wire.Contact{{Peer: peer}},
		x:       n.rng.Float64(), y: n.rng.Float64(),
		links: make(map[int32]*link), tickAt: -1,
	}
	n.nodes = append(n.nodes, x)
	n.live++
	return id
}

// handle gives an event to the node's core and does what comes out of it.
func (n *Network) handle(x *node, ev overlay.Event) {
	for _, e := range x.core.Handle(n.clock(), ev) {
		n.perform(x, &e)
	}
	if next := x.core.Next(); !next.IsZero() {
		at := max(n.now, next.Sub(epoch))
		if x.tickAt < 0 || at < x.tickAt {
			x.tickAt = at
			n.queue.plan(at, tick, x.id)
		}
	}
	for len(x.matches) > 0 {
		m := x.matches[0]
		x.matches = x.matches[:copy(x.matches, x.matches[1:])]
		n.handle(x, overlay.Event{Kind: overlay.Matched, GUID: m.guid, Items: m.items})
	}
}

func (n *Network) perform(x *node, e *overlay.Effect) {
	peer := int32(NodeOf(e.Peer))
	switch e.Kind {
	case overlay.Send:
		n.count(x, &e.Msg)
		if l := n.dial(x, peer); l != nil {
			if n.cfg.Loss > 0 && n.rng.Float64() < n.cfg.Loss {
				n.lostMessages++
				return
			}
			n.carry(l, x.id, arrival).msg = e.Msg
		}
	case overlay.Close:
		n.closeLink(x, peer)
	case overlay.Up:
		x.view = append(x.view, peer)
	case overlay.Down:
		for i, p := range x.view {
			if p == peer {
				x.view = append(x.view[:i], x.view[i+1:]...)
				break
			}
		}
	case overlay.Probe:
		if int(peer) < len(n.nodes) && n.reachable(x.id, peer) {
			n.queue.plan(n.now+2*(n.latency(x.id, peer)+n.latency(peer, x.id)), probed, x.id).peer = peer
		} else {
			n.queue.plan(n.now+n.cfg.ConnectTimeout, unreachable, x.id).peer = peer
		}
	case overlay.Match:
		n.visited(x, e)
		if n.cfg.Index != nil {
			if items := n.cfg.Index(int(x.id), e.Query); len(items) > 0 {
				x.matches = append(x.matches, match{e.GUID, items})
			}
		}
	case overlay.Deliver:
		n.delivered(e)
	}
}
