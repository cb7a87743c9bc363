package p2p

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
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
	batch   uint64                         // the events handled so far
	packed  *packet                        // sent last, by the effects being carried out
	busy    bool                           // effects are being carried out
	leaving bool
	timer   *time.Timer
	wake    time.Time // what the timer is set to

	strained time.Time // when the core was told so

	matches chan overlay.Effect
	probes  chan struct{} // places for probes under way
	dropped [droppedReasons]uint64
}

// Why the driver, and not the core, dropped a message, or a contact out of one.
const (
	droppedSlowLink = iota
	droppedMatch
	droppedHit
	droppedProbe
	droppedForeign
	droppedUnproved
	droppedUnknown
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
	if d.busy {
		d.pending = append(d.pending, ev)
		return // the loop below, further up the stack, takes it
	}
	d.busy = true
	for {
		d.batch++
		for _, effect := range d.core.Handle(time.Now(), ev) {
			d.carryOut(effect)
		}
		if len(d.pending) == 0 {
			break
		}
		ev, d.pending = d.pending[0], d.pending[1:]
	}
	d.pending, d.packed = nil, nil
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
		l := d.links[id]
		d.close(id)
		if e.Reason == overlay.ReasonHostile {
			d.ban(id)
			if l != nil {
				l.cancel() // what it still says is not even read
			}
		}
	case overlay.Up:
		if l := d.links[id]; l != nil {
			l.neighbour.Store(true)
		}
		d.node.host.ConnManager().Protect(id, protectTag)
		d.node.events.Publish(Event{Kind: NeighbourUp, Peer: id})
	case overlay.Down:
		d.node.host.ConnManager().Unprotect(id, protectTag)
		d.node.events.Publish(Event{Kind: NeighbourDown, Peer: id, Reason: reasonText(e.Reason)})
	case overlay.Match:
		select {
		case d.matches <- e:
		default:
			d.dropped[droppedMatch]++
			d.strain()
			d.handleLocked(overlay.Event{Kind: overlay.Matched, GUID: e.GUID, Dropped: true})
		}
	case overlay.Deliver:
		if !d.node.queries.deliver(e.GUID, e.Msg, e.Tally) {
			d.dropped[droppedHit]++
		}
	case overlay.Done:
		d.node.queries.end(e.GUID, e.Tally)
	case overlay.Probe:
		select {
		case d.probes <- struct{}{}:
			target := e.Target // else each effect would be allocated, for the closure
			d.node.wg.Go(func() {
				defer func() { <-d.probes }()
				d.probe(target)
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
		lost := func(ev overlay.Event) bool { return ev.Kind == overlay.Lost && ev.Peer == e.Peer }
		if slices.ContainsFunc(d.pending, lost) {
			return // the core does not know yet; a new link would be an orphan
		}
		if d.isBanned(id) || d.leaving || len(d.links) >= maxLinks {
			d.handleLocked(overlay.Event{Kind: overlay.Lost, Peer: e.Peer})
			return
		}
		l = newLink(d, id, e.Target)
		l.dialling = true
		d.links[id] = l
		d.node.wg.Go(l.dial)
	}
	l.parting, l.batch = false, d.batch
	d.node.contacts.withhold(&e.Msg)
	if l.push(d.pack(&e.Msg)) {
		return
	}
	d.dropped[droppedSlowLink]++
	d.strain()
	switch e.Msg.Kind {
	case wire.KindQuery, wire.KindHit, wire.KindAck, wire.KindReport:
		return // searches make up for them
	}
	d.loseLocked(l)
}

// pack readies a message for an outbox. Links that are sent the same one after the
// other share it.
func (d *driver) pack(m *wire.Message) *packet {
	if d.packed == nil || !d.packed.holds(m) {
		d.packed = &packet{message: *m}
	}
	return d.packed
}

// strain tells the core, once in a while, that messages are dropped here.
func (d *driver) strain() {
	if now := time.Now(); now.Sub(d.strained) >= strainTime {
		d.strained = now
		d.handleLocked(overlay.Event{Kind: overlay.Strain})
	}
}

// close ends a link once what was sent is out. A dial goes on for what was sent in
// the same breath, a reply to a stranger; anything older, such as a request that
// nobody answered in time, is given up with it.
func (d *driver) close(id peer.ID) {
	l := d.links[id]
	switch {
	case l == nil:
		return
	case l.dialling && l.batch == d.batch:
		l.parting = true // it stays, so that there is never a second dial
		return
	case l.dialling:
		l.cancel()
	default:
		l.finish()
	}
	delete(d.links, id)
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
	if d.leaving || l.parting {
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
// are done. It returns a stream of the peer's own that came too late to be used, or
// nil.
func (d *driver) opened(l *link, err error) (spare network.Stream) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.dialling = false
	d.outcome.Add(l.peer, err)
	close(d.tried)
	d.tried = make(chan struct{})
	if err == nil && l.parting && d.links[l.peer] == l {
		delete(d.links, l.peer)
		l.finish()
	}
	select {
	case g := <-l.adopted:
		return g.stream
	default:
		return nil
	}
}

// drop counts what is not handed to the core.
func (d *driver) drop(reason, count int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dropped[reason] += uint64(count)
}

// received hands a message of an open link to the core.
func (d *driver) received(l *link, m wire.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.links[l.peer] == l && !d.leaving {
		d.handleLocked(overlay.Event{
			Kind: overlay.Received, Peer: wire.PeerID(l.peer), Msg: m, Peers: l.sender,
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
	for id := range d.links {
		d.close(id)
	}
	for _, l := range links {
		if l.neighbour.Load() {
			d.node.host.ConnManager().Unprotect(l.peer, protectTag)
		}
	}
	return links
}

// newCache returns a bounded map that forgets what was used longest ago.
func newCache[K comparable, V any](size int) *lru.Cache[K, V] {
	c, err := lru.New[K, V](size)
	if err != nil {
		panic(err) // only for a size below 1
	}
	return c
}
