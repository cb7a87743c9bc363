package p2p

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// driver feeds the core with events and carries its effects out. Under mu no call
// waits: messages go into bounded outboxes, matches and probes to their workers.
type driver struct {
	node *Node
	ctx  context.Context // ends when the node is closed for good

	mu      sync.Mutex
	core    *overlay.Core
	links   map[peer.ID]*link
	outcome *lru.Cache[peer.ID, error]     // of the last try to open a link
	tried   chan struct{}                  // closed, and renewed, with each outcome
	banned  *lru.Cache[peer.ID, time.Time] // until when
	pending []overlay.Event                // caused by effects, to be handled after them
	busy    bool                           // effects are being carried out
	leaving bool
	timer   *time.Timer
	wake    time.Time // what the timer is set to

	matches chan overlay.Effect
	probes  chan struct{} // places for probes under way
	dropped [droppedReasons]uint64
}

// Why the driver, and not the core, dropped a message.
const (
	droppedSlowLink = iota
	droppedMatch
	droppedHit
	droppedProbe
	droppedReasons
)

func newDriver(ctx context.Context, n *Node, core *overlay.Core) *driver {
	d := &driver{
		node:    n,
		ctx:     ctx,
		core:    core,
		links:   make(map[peer.ID]*link),
		outcome: newCache[peer.ID, error](maxOutcomes),
		tried:   make(chan struct{}),
		banned:  newCache[peer.ID, time.Time](maxBanned),
		matches: make(chan overlay.Effect, matchQueue),
		probes:  make(chan struct{}, maxProbes),
	}
	d.timer = time.AfterFunc(time.Hour, d.tick)
	return d
}

// handle hands one event to the core and carries out all that follows from it.
func (d *driver) handle(ev overlay.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handleLocked(ev)
}

func (d *driver) handleLocked(ev overlay.Event) {
	d.pending = append(d.pending, ev)
	if d.busy {
		return // the loop below, further up the stack, takes it
	}
	d.busy = true
	for len(d.pending) > 0 {
		ev := d.pending[0]
		d.pending = d.pending[1:]
		for _, effect := range d.core.Handle(time.Now(), ev) {
			d.carryOut(effect)
		}
	}
	d.pending = nil
	d.busy = false
	d.schedule()
}

// schedule sets the timer to when the core wants its next tick.
func (d *driver) schedule() {
	next := d.core.Next()
	if d.leaving || next.IsZero() || next.Equal(d.wake) {
		return
	}
	d.wake = next
	d.timer.Reset(max(time.Until(next), 0))
}

func (d *driver) tick() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil || d.leaving {
		return
	}
	d.wake = time.Time{}
	d.handleLocked(overlay.Event{Kind: overlay.Tick})
}

func (d *driver) carryOut(e overlay.Effect) {
	id := peer.ID(e.Peer)
	switch e.Kind {
	case overlay.Send:
		d.send(id, e)
	case overlay.Close:
		if e.Reason == overlay.ReasonHostile {
			d.ban(id)
		}
		if l := d.links[id]; l != nil {
			delete(d.links, id)
			l.finish()
		}
	case overlay.Up:
		if l := d.links[id]; l != nil {
			l.neighbour.Store(true)
		}
		d.node.host.ConnManager().Protect(id, protectTag)
		d.node.events.publish(Event{Kind: NeighbourUp, Peer: id})
	case overlay.Down:
		if l := d.links[id]; l != nil {
			l.neighbour.Store(false)
		}
		d.node.host.ConnManager().Unprotect(id, protectTag)
		d.node.events.publish(Event{Kind: NeighbourDown, Peer: id, Reason: reasonText(e.Reason)})
	case overlay.Match:
		select {
		case d.matches <- e:
		default:
			d.dropped[droppedMatch]++
		}
	case overlay.Deliver:
		if !d.node.queries.deliver(e.GUID, e.Msg) {
			d.dropped[droppedHit]++
		}
	case overlay.Probe:
		select {
		case d.probes <- struct{}{}:
			d.node.wg.Go(func() {
				defer func() { <-d.probes }()
				d.probe(e.Target)
			})
		default:
			d.dropped[droppedProbe]++
			d.handleLocked(overlay.Event{Kind: overlay.Unreachable, Peer: e.Target.Peer})
		}
	}
}

// send puts a message into its link's outbox, opening the link if there is none.
func (d *driver) send(id peer.ID, e overlay.Effect) {
	l := d.links[id]
	if l == nil {
		if d.isBanned(id) || d.leaving || len(d.links) >= maxLinks {
			d.handleLocked(overlay.Event{Kind: overlay.Lost, Peer: e.Peer})
			return
		}
		l = newLink(d, id, e.Target)
		l.dialling = true
		d.links[id] = l
		d.node.wg.Go(l.dial)
	}
	if l.push(e.Msg) {
		return
	}
	d.dropped[droppedSlowLink]++
	if e.Msg.Kind == wire.KindQuery || e.Msg.Kind == wire.KindHit {
		return
	}
	d.loseLocked(l)
}

// lose reports that a link broke, unless it was given up or replaced before.
func (d *driver) lose(l *link) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.loseLocked(l)
}

func (d *driver) loseLocked(l *link) {
	if d.links[l.peer] != l {
		return
	}
	delete(d.links, l.peer)
	l.cancel()
	if d.leaving {
		return
	}
	d.handleLocked(overlay.Event{Kind: overlay.Lost, Peer: wire.PeerID(l.peer)})
}

// hostile bans a peer that broke the protocol, and ends its link.
func (d *driver) hostile(l *link, err error) {
	d.node.log.Warn("link ended: the peer broke the protocol", "peer", l.peer, "error", err)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.ban(l.peer)
	d.loseLocked(l)
}

func (d *driver) isBanned(id peer.ID) bool {
	until, there := d.banned.Get(id)
	return there && time.Now().Before(until)
}

func (d *driver) ban(id peer.ID) {
	d.banned.Add(id, time.Now().Add(banTime))
	d.node.log.Warn("peer refused for a while", "peer", id, "for", banTime)
}

// opened notes how the last try to open a link went: err is nil when both hellos
// are done.
func (d *driver) opened(l *link, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.dialling = false
	d.outcome.Add(l.peer, err)
	close(d.tried)
	d.tried = make(chan struct{})
}

// received hands a message of an open link to the core.
func (d *driver) received(l *link, m wire.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.links[l.peer] == l && !d.leaving {
		d.handleLocked(overlay.Event{
			Kind: overlay.Received, Peer: wire.PeerID(l.peer), Msg: m, Peers: []wire.Contact{l.hello},
		})
	}
}

// leave says goodbye to the neighbours, and returns the links to be flushed.
func (d *driver) leave() []*link {
	d.mu.Lock()
	defer d.mu.Unlock()
	links := slices.Collect(maps.Values(d.links))
	d.handleLocked(overlay.Event{Kind: overlay.Leave})
	d.leaving = true
	d.timer.Stop()
	for id, l := range d.links {
		delete(d.links, id)
		l.finish()
	}
	return links
}

// match looks queries up in the own index, one after the other.
func (d *driver) match() {
	for {
		select {
		case <-d.ctx.Done():
			return
		case e := <-d.matches:
			if items := d.node.shares.match(queryOf(e.Query)); len(items) > 0 {
				d.handle(overlay.Event{Kind: overlay.Matched, GUID: e.GUID, Items: items})
			}
		}
	}
}

// newCache returns a bounded map that forgets what was used longest ago.
func newCache[K comparable, V any](size int) *lru.Cache[K, V] {
	c, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return c
}
