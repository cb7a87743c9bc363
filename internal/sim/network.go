package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// epoch is when virtual time starts; nothing depends on which day it is.
var epoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// Network is a simulated overlay. Make it with [New].
type Network struct {
	cfg   Config
	rng   *rand.Rand
	now   time.Duration
	queue queue
	nodes []*node
	live  int
	trace trace

	searches     map[wire.GUID]*Search // by what their askers call them
	attempts     map[wire.GUID]attempt // by the GUIDs that others see
	upkeep       upkeep
	sharing      bool // newcomers share too
	fakers       fakers
	happened     uint64
	lostMessages uint64
}

// New returns a network without nodes.
func New(cfg Config) (*Network, error) {
	rng := rand.New(rand.NewPCG(cfg.Seed, 0))
	if _, err := overlay.New(cfg.Overlay, PeerOf(0), rng); err != nil {
		return nil, err
	}
	if cfg.Latency == nil && cfg.MedianRTT <= 0 || cfg.ConnectTimeout <= 0 {
		return nil, fmt.Errorf("simulate: MedianRTT and ConnectTimeout are above zero")
	}
	return &Network{cfg: cfg, rng: rng, trace: newTrace(), searches: make(map[wire.GUID]*Search), attempts: make(map[wire.GUID]attempt)}, nil
}

// Now returns the virtual time since the start.
func (n *Network) Now() time.Duration { return n.now }

func (n *Network) clock() time.Time { return epoch.Add(n.now) }

// Run lets d of virtual time go by.
func (n *Network) Run(d time.Duration) {
	until := n.now + d
	for {
		at, h, ok := n.queue.next(until)
		if !ok {
			break
		}
		n.now = at
		n.happen(&h)
	}
	n.now = until
}

// RunUntil lets time go by in steps until done, at most d, and tells how long it
// took and whether it was done.
func (n *Network) RunUntil(d, step time.Duration, done func() bool) (time.Duration, bool) {
	start := n.now
	for !done() {
		if n.now-start >= d {
			return d, false
		}
		n.Run(step)
	}
	return n.now - start, true
}

// After plans a call of f, as a part of the scenario.
func (n *Network) After(d time.Duration, f func()) {
	n.queue.plan(n.now+d, called, -1).call = f
}

func (n *Network) happen(h *happening) {
	n.happened++
	n.trace.add(n.now, h)
	if h.kind == called {
		h.call()
		return
	}
	x := n.nodes[h.node]
	if !x.alive {
		return
	}
	switch h.kind {
	case tick:
		if x.tickAt != n.now {
			return // an earlier one was planned since
		}
		x.tickAt = -1
		n.handle(x, overlay.Event{Kind: overlay.Tick})
	case arrival:
		if h.link.closed[h.link.end(x.id)] || n.nodes[h.peer].side != x.side {
			return
		}
		from := n.nodes[h.peer]
		if x.hostile != nil && n.withhold(x, from, &h.msg) {
			return
		}
		n.handle(x, overlay.Event{Kind: overlay.Received, Peer: from.peer, Msg: h.msg, Peers: from.contact})
	case loss:
		if h.link.closed[h.link.end(x.id)] {
			return
		}
		h.link.closed[h.link.end(x.id)] = true
		if x.links[h.peer] == h.link {
			delete(x.links, h.peer)
			n.handle(x, overlay.Event{Kind: overlay.Lost, Peer: n.peer(h.peer)})
		}
	case dialFailed:
		if x.links[h.peer] == nil {
			n.handle(x, overlay.Event{Kind: overlay.Lost, Peer: n.peer(h.peer)})
		}
	case probed:
		n.handle(x, overlay.Event{Kind: overlay.Probed, Peer: n.peer(h.peer)})
	case unreachable:
		n.handle(x, overlay.Event{Kind: overlay.Unreachable, Peer: n.peer(h.peer)})
	}
}
