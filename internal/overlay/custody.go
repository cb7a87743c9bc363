package overlay

import (
	"slices"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// custody is a walk that was passed on to a neighbour which has to say that it came.
// Until then it is this node's to carry.
type custody struct {
	nonce  uint32
	walk   *carried
	link   uint32
	slot   uint8
	mark   uint32 // of the neighbour
	needed bool   // else nothing is heard of it if all is well
	sent   instant
	due    instant
}

// keepCustody keeps a walk until the neighbour acknowledges it.
func (c *Core) keepCustody(k *carried, l *link, needed bool) (nonce uint32) {
	c.nonce++
	if c.nonce == 0 {
		c.nonce++
	}
	due := c.now + c.ackWait(l)
	c.custodies = append(c.custodies, custody{nonce: c.nonce, walk: k, link: l.serial, slot: l.slot, mark: l.mark, needed: needed, sent: c.now, due: due})
	c.timers[timerCustody] = min(c.timers[timerCustody], due)
	return c.nonce
}

// ackWait is how long an acknowledgement may take. Nil: over any link.
func (c *Core) ackWait(l *link) time.Duration {
	rtt := 2 * HopTime
	if l != nil && l.rtt > 0 {
		rtt = l.rtt
	}
	return min(c.patience.times(AckSlack+2*rtt), MaxAckWait)
}

// acknowledged is told that a walk came to a neighbour, and how much it found there.
func (c *Core) acknowledged(l *link, m *wire.Message) {
	at := -1
	for i := range c.custodies {
		if c.custodies[i].nonce == m.Nonce && c.custodies[i].link == l.serial {
			at = i
		}
	}
	if at < 0 {
		c.acknowledgedLate(l, m.Nonce)
		return
	}
	t := c.custodies[at]
	c.custodies = append(c.custodies[:at], c.custodies[at+1:]...)
	c.stats.Acks++
	l.sampled(c.now - t.sent)
	c.patience.timely()
	k := t.walk
	if k.walk.Target != l.peer {
		return
	}
	if m.Found == 0 && plain(k.query) && c.promises(l.peer, k.query) {
		c.falseMatch(l.peer)
	}
	switch {
	case k.leaf != "":
		k.leaf, k.walk.Target = "", ""
		k.walk.Tally.Asked++
		k.walk.Tally.Found += uint32(m.Found)
		if k.walk.Kind == wire.WalkProbe {
			c.settled(k, m.Found)
			return
		}
		if m.Found == 0 {
			k.walk.Tally.Stale++
		}
		c.goOn(k)
	case k.walk.Kind == wire.WalkProbe:
		c.settled(k, m.Found)
	}
}

// settled is told what a probe found at its target. If that is nothing, nobody else
// will say so.
func (c *Core) settled(k *carried, found uint16) {
	if found == 0 {
		k.walk.Tally.Stale++
		c.stop(k)
	} else if k.from == 0 {
		c.reported(c.attemptOf(k.guid), nil)
	}
}

// overdue takes back the walks that were not acknowledged in time, and lets them go
// on elsewhere.
func (c *Core) overdue() {
	c.takeBack(func(t *custody) bool { return t.due <= c.now })
	next := never
	for i := range c.custodies {
		next = min(next, c.custodies[i].due)
	}
	c.timers[timerCustody] = next
}

// orphaned takes back the walks that a link has carried in vain.
func (c *Core) orphaned(l *link) {
	c.takeBack(func(t *custody) bool { return t.link == l.serial })
}

func (c *Core) takeBack(which func(*custody) bool) {
	var back []custody
	kept := c.custodies[:0]
	for i := range c.custodies {
		t := c.custodies[i]
		if !which(&t) {
			kept = append(kept, t)
			continue
		}
		if t.needed {
			back = append(back, t)
			c.keepLate(&t)
		}
	}
	clear(c.custodies[len(kept):])
	c.custodies = kept
	for i := range back {
		c.retry(&back[i])
	}
}

// retry lets a walk go on that a neighbour has not taken. From now on every hop of it
// is acknowledged: where one peer is dead, others may be.
func (c *Core) retry(t *custody) {
	c.stats.WalksLost++
	k := t.walk
	w := &k.walk
	k.leaf = ""
	w.Careful = true
	w.Past = remember(w.Past, t.mark, MaxPast)
	k.lost = append(k.lost, t.mark)
	if l := c.slots[t.slot]; l != nil && l.serial == t.link {
		l.heard = min(l.heard, c.now-FreshFor-1)
	}
	if k.step > 0 {
		w.Tally.Trace = slices.Clone(w.Tally.Trace) // what was sent stays as it was
		w.Tally.Trace[k.step-1].Lost = clamp16(len(k.lost))
	}
	w.Tally.Unreachable++
	if w.Kind == wire.WalkProbe || len(k.lost) > MaxLost {
		c.stop(k)
		return
	}
	if w.Target.Mark() == t.mark {
		w.Target = ""
	}
	c.goOn(k)
}
