package overlay

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// carried is a query that walks and is at this node: while it is looked up, and
// until whoever it is passed on to has it.
type carried struct {
	guid    wire.GUID
	query   *wire.Query
	walk    wire.Walk // as it goes on; only this node's
	ttl     uint8
	hops    uint8
	from    uint32 // serial of the link it came over; 0: the query is our own
	slot    uint8
	ack     uint32   // nonce of the acknowledgement that is wanted; 0: none
	known   int      // summaries tested here
	lost    []uint32 // marks of the next hops tried in vain here
	step    int      // its place in the trace, plus one
	matches []wire.PeerID
	leaf    wire.PeerID // the leaf that is being asked, while the walk stays here
}

// walkHops is the most that a walk of each kind may go. A probe counts the links that
// the walk had gone which sent it, and goes [ProbeHops] more at most.
var walkHops = [...]uint8{
	wire.WalkProbe: SurveyHops, wire.WalkGuided: WalkHops, wire.WalkSurvey: SurveyHops, wire.WalkRandom: WalkHops,
}

// walked takes in a neighbour's query that walks.
func (c *Core) walked(l *link, m *wire.Message) {
	w := m.Walk
	if w.Kind == 0 || int(w.Kind) >= len(walkHops) {
		c.stats.QueriesExpired++ // a newer kind, of which nothing is known here
		return
	}
	most := walkHops[w.Kind]
	switch {
	case m.TTL == 0 || m.Hops >= most || w.Kind == wire.WalkProbe && w.Target == "":
		c.stats.QueriesExpired++
		return
	case c.cfg.Leaf && w.Target != c.self.Peer:
		c.stats.WalksRefused++
		return
	}
	c.stats.Walks++
	k := &carried{
		guid: m.GUID, query: m.Query, walk: *w, from: l.serial, slot: l.slot, ack: m.Nonce,
		hops: m.Hops + 1, ttl: min(m.TTL, most-m.Hops) - 1,
	}
	if w.Kind == wire.WalkProbe {
		k.ttl = min(k.ttl, ProbeHops-1)
	}
	k.walk.Past = remember(w.Past, c.self.Peer.Mark(), MaxPast)
	question := c.digest(m.Query)
	r := c.routes.find(c.now, m.GUID)
	switch {
	case r == nil:
		r = c.routes.add(c.now, m.GUID, route{from: l.serial, slot: l.slot, hops: k.hops, direct: w.Asker.Peer != "", question: question})
	case r.question != question:
		c.stats.WalksAltered++ // what is known of the other question is no answer
		c.unanswered(k)
		return
	}
	r.hops = min(r.hops, k.hops) // it may have come here by a detour first
	// Who was sent here for it is not told of an earlier look-up that there is nothing:
	// that may have been for a flood, or before it was shared, or the query is our own.
	known := r.looked && (r.found > 0 || w.Target != c.self.Peer)
	switch {
	case w.Kind == wire.WalkProbe && w.Target != c.self.Peer:
		c.arrived(k, 0)
	case c.looking[m.GUID] != nil, !known && len(c.looking) >= MaxCarried:
		c.stats.WalksUnanswered++
		c.unanswered(k)
	case known:
		c.arrived(k, int(r.found))
	default:
		r.looked = true
		c.looking[m.GUID] = k
		e := c.emit(Match, l.peer)
		e.GUID, e.Query, e.Hops = m.GUID, m.Query, k.hops
	}
}

// digest tells questions apart, also those that are made to look alike.
func (c *Core) digest(q *wire.Query) uint64 {
	c.scratch = append(binary.AppendUvarint(c.scratch[:0], uint64(len(q.Key))), q.Key...)
	for _, word := range q.Words {
		c.scratch = append(binary.AppendUvarint(c.scratch, uint64(len(word))), word...)
	}
	sum := sha256.Sum256(c.scratch)
	return binary.LittleEndian.Uint64(sum[:])
}

// unanswered lets a walk go on from here that was not looked up. Who sent it to this very
// node is not told that there is nothing: it hears nothing, and goes on itself if it waits.
func (c *Core) unanswered(k *carried) {
	if k.walk.Target == c.self.Peer {
		if k.walk.Careful || k.walk.Kind == wire.WalkProbe || c.cfg.Leaf {
			return
		}
		k.walk.Target, k.ack = "", 0
	}
	c.arrived(k, 0)
}

// looked is told what the own index holds for a walk.
func (c *Core) looked(k *carried, items []wire.Item) {
	c.note(k)
	k.walk.Tally.Asked++
	n := min(len(items), MaxAnswerResults)
	if n > 0 {
		c.answer(k, items)
		if r := c.routes.find(c.now, k.guid); r != nil {
			r.found = uint8(n)
		}
	}
	c.arrived(k, n)
}

// arrived lets a walk go on from here, where it found so many results.
func (c *Core) arrived(k *carried, found int) {
	w := &k.walk
	target := w.Target == c.self.Peer
	if l := c.slots[k.slot]; k.ack != 0 && (!target || found == 0 || w.Careful) && l != nil && l.serial == k.from {
		c.send(l.peer, wire.Message{Kind: wire.KindAck, GUID: k.guid, Nonce: k.ack, Found: uint16(found)})
	}
	if target {
		w.Target = ""
		if found == 0 {
			w.Tally.Stale++
		}
		if w.Kind == wire.WalkProbe || c.cfg.Leaf {
			if found == 0 && k.ack == 0 {
				c.stop(k)
			}
			return // who passed it on knows from the acknowledgement
		}
	}
	c.survey(k)
	c.goOn(k)
}

// note begins this node's step of the trace.
func (c *Core) note(k *carried) {
	if k.query.Trace && len(k.walk.Tally.Trace) < wire.MaxSteps {
		k.walk.Tally.Trace = append(slices.Clip(k.walk.Tally.Trace), wire.Step{Peer: c.self.Peer})
		k.step = len(k.walk.Tally.Trace)
	}
}

// survey tests a walk against the summaries known here.
func (c *Core) survey(k *carried) {
	w := &k.walk
	if w.Kind != wire.WalkGuided && w.Kind != wire.WalkSurvey {
		return
	}
	c.cover(k)
	if w.Kind == wire.WalkGuided && w.Target != "" {
		return // it knows where it goes
	}
	most := MaxProbes
	if w.Kind == wire.WalkSurvey {
		most = MaxSurveyProbes
	}
	k.matches = k.matches[:0]
	for _, at := range c.promising(summary.For(k.query.Key, k.query.Words), w.Tried, most+len(w.Past)) {
		if o := &c.origins.all[at]; len(k.matches) < most && !slices.Contains(w.Past, o.mark) {
			k.matches = append(k.matches, o.peer)
		}
	}
	if k.step > 0 {
		step := &w.Tally.Trace[k.step-1]
		step.Known, step.Matched = clamp16(k.known), clamp16(len(k.matches))
	}
}

// goOn takes a walk to its next peer, or to its end.
func (c *Core) goOn(k *carried) {
	w := &k.walk
	left := int(k.query.Max) - int(w.Tally.Found)
	switch {
	case left <= 0 || k.ttl == 0 || len(c.custodies) >= MaxCarried || c.cfg.Leaf && k.from != 0:
		c.stop(k)
		return
	case w.Kind == wire.WalkSurvey:
		c.probeAll(k, k.matches)
		k.matches = k.matches[:0]
		if w.Tally.Known > SurveySample && w.Tally.Fresh == 0 {
			c.stop(k)
			return
		}
	case w.Kind == wire.WalkGuided && w.Tally.Known > SurveySample && w.Tally.Fresh == 0 && k.hops >= ScoutHops &&
		w.Target == "" && len(k.matches) == 0:
		c.stop(k) // there is nobody left to hear of
		return
	case len(k.matches) > 1:
		c.probeAll(k, k.matches[1:min(len(k.matches), left)])
		k.matches = k.matches[:1]
	}
	next := c.nextHop(k)
	if next == nil && c.damaged(k) {
		next = c.backOut(k)
	}
	if next != nil {
		c.pass(k, next)
	} else {
		c.stop(k)
	}
}

// pass sends a walk on over a link. Where the neighbour may be gone it has to
// acknowledge that it has it. The one that the walk was looking for, if it lives for
// sure, says so only if it does not have what it promised: else its hit is enough.
func (c *Core) pass(k *carried, l *link) {
	m := wire.Message{Kind: wire.KindQuery, GUID: k.guid, Query: k.query, TTL: k.ttl, Hops: k.hops}
	k.walk.Tally.Messages++
	c.stats.QueriesForwarded++
	delivery := l.peer == k.walk.Target
	w := k.walk
	if !c.fresh(l) || w.Careful && c.now-l.heard > SureFor || delivery && (l.leaf || w.Careful) {
		k.walk.Tally.Messages++
		w.Careful = w.Careful || delivery
		m.Nonce = c.keepCustody(k, l, true)
	} else if delivery {
		m.Nonce = c.keepCustody(k, l, false)
	}
	if delivery && l.leaf {
		w.Kind, w.Seen, m.TTL = wire.WalkProbe, nil, 1
		k.leaf = l.peer
	}
	m.Walk = &w
	c.send(l.peer, m)
}

// stop ends a walk here, and tells its asker unless the hits do.
func (c *Core) stop(k *carried) {
	c.stats.WalksEnded++
	if k.walk.Tally.Found >= uint32(k.query.Max) && k.from != 0 {
		return
	}
	if r := c.routes.find(c.now, k.guid); k.from != 0 && (r == nil || r.from != 0) {
		c.report(k)
	} else {
		c.reported(c.attemptOf(k.guid), &k.walk.Tally) // it may have come back here
	}
}

// probeAll sends probes to origins that a walk met and does not go to itself.
func (c *Core) probeAll(k *carried, peers []wire.PeerID) {
	guid := Aside(k.guid)
	own := c.routes.find(c.now, k.guid)
	for _, peer := range peers {
		o := c.origins.find(peer)
		if o == nil || own == nil {
			continue
		}
		k.walk.Tried = remember(k.walk.Tried, o.mark, MaxTried)
		l := c.wayTo(peer, k.walk.Past)
		if l == nil || !c.pay(l, c.back(own)) {
			k.walk.Tally.Unreachable++
			continue
		}
		if c.routes.find(c.now, guid) == nil {
			c.routes.add(c.now, guid, route{
				from: own.from, slot: own.slot, hops: own.hops, direct: own.direct, looked: own.looked, found: own.found,
				question: own.question,
			})
			own = c.routes.find(c.now, k.guid)
		}
		side := &carried{
			guid: guid, query: k.query, from: k.from, slot: k.slot, hops: k.hops, ttl: ProbeHops,
			walk: wire.Walk{
				Kind: wire.WalkProbe, Target: peer, Asker: k.walk.Asker, Careful: k.walk.Careful, Past: k.walk.Past,
			},
		}
		c.pass(side, l)
	}
}

// remember appends a mark to a copy of the last ones.
func remember(marks []uint32, mark uint32, most int) []uint32 {
	if over := len(marks) + 1 - most; over > 0 {
		marks = marks[over:]
	}
	return append(slices.Clip(marks), mark)
}

func clamp16(n int) uint16 { return uint16(min(n, 1<<16-1)) }
