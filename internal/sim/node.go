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
	hostile *hostile        // nil: it keeps to the protocol
	todo    []overlay.Event // that follow from the effects under way
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

// peer returns the peer ID of a node that may not be there.
func (n *Network) peer(node int32) wire.PeerID {
	if int(node) < len(n.nodes) {
		return n.nodes[node].peer
	}
	return PeerOf(int(node))
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
	if n.cfg.Contents != nil {
		n.cfg.Contents.take(x.id)
	}
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
	for len(x.todo) > 0 && x.alive {
		next := x.todo[0]
		x.todo = x.todo[:copy(x.todo, x.todo[1:])]
		n.handle(x, next)
	}
}

func (n *Network) perform(x *node, e *overlay.Effect) {
	peer := int32(NodeOf(e.Peer))
	switch e.Kind {
	case overlay.Send:
		n.begun(x, &e.Msg)
		if x.hostile != nil && n.withheld(&e.Msg) {
			return
		}
		n.transmit(x, peer, &e.Msg)
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
		n.visited(x, e.GUID)
		x.todo = append(x.todo, overlay.Event{
			Kind: overlay.Matched, GUID: e.GUID, Items: n.index(int(x.id), e.Query),
		})
	case overlay.Deliver:
		n.delivered(x, e)
	case overlay.Done:
		n.done(e)
	}
}

// transmit sends a message to a node, over a link that is opened if there is none.
func (n *Network) transmit(x *node, to int32, m *wire.Message) {
	n.count(x, to, m)
	l := n.dial(x, to)
	if l == nil {
		return
	}
	if n.cfg.Loss > 0 && n.rng.Float64() < n.cfg.Loss {
		n.lostMessages++
		return
	}
	n.carry(l, x.id, arrival).msg = *m
}
