package overlay

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// repairs is the state of filling the active view.
type repairs struct {
	backoff  int
	gained   bool    // a link came up since the last round
	answers  int     // requests answered of late, either way
	silences int     // and not answered
	after    instant // not before: the walks of a join are under way
}

// hurry brings the next round of repair forward, if one is needed at all.
func (c *Core) hurry() {
	if c.healthy() < c.sought() {
		c.timers[timerRepair] = min(c.timers[timerRepair], max(c.repairs.after, c.upTo(RepairEvery/2)))
	}
}

// repair asks contacts of the host cache for the links that the view lacks: as
// many as will yield them, going by how many of late answered at all. So a few
// losses cost a few requests, and the loss of most peers makes the node try its
// cache within seconds.
func (c *Core) repair() {
	r := &c.repairs
	healthy := c.healthy()
	if healthy >= c.sought() {
		*r = repairs{}
		return
	}
	fresh := 0
	for i := range c.requests {
		q := &c.requests[i]
		if c.now-q.sent < HedgeAfter {
			fresh++
		} else if !q.hedged {
			q.hedged = true
			r.silences++
		}
	}
	want := c.sought() - healthy
	n := min(want*(1+r.answers+r.silences)/(1+r.answers), MaxFresh) - fresh
	urgent := healthy == 0 || want >= 2 && r.backoff >= 2
	asked := 0
	for ; asked < n && len(c.requests) < MaxRequests; asked++ {
		e := c.candidate()
		if e == nil {
			break
		}
		e.until = c.now + RequestTimeout
		c.request(e.contact, wire.Message{Kind: wire.KindNeighbour, Flag: urgent, Leaf: c.cfg.Leaf}, true)
	}
	if asked < n {
		// Nobody is left to ask: get to know others.
		c.timers[timerShuffle] = min(c.timers[timerShuffle], c.upTo(RepairEvery))
	}
	if r.gained || 2*r.silences > r.answers && asked > 0 {
		r.backoff = 0
	} else {
		r.backoff = min(r.backoff+1, RepairBackoff)
	}
	r.gained = false
	r.answers, r.silences = r.answers/2, r.silences/2
	c.timers[timerRepair] = c.now + c.jitter(RepairEvery<<r.backoff)
	if c.timers[timerJoin] == never && c.alone() {
		c.enterAgain()
	}
}

// candidate picks at random a contact of the host cache to ask for a link: one
// that is known to answer if there is one, one that may do so otherwise. A node
// without a neighbour asks anybody.
func (c *Core) candidate() *entry {
	all := c.cache.entries
	if len(all) == 0 {
		return nil
	}
	var may, any *entry
	start := c.rng.IntN(len(all))
	for i := range all {
		e := &all[(start+i)%len(all)]
		if c.requestTo(e.contact.Peer) != nil || c.crowded(e.group) {
			continue
		}
		switch {
		case e.until > c.now:
			if any == nil {
				any = e
			}
		case e.proven && e.fails == 0:
			return e
		case may == nil:
			may = e
		}
	}
	if may == nil && len(c.view) == 0 {
		return any
	}
	return may
}

// silenceOf returns the silence after which a contact that failed so often in a
// row is tried again.
func silenceOf(fails uint8) time.Duration {
	return min(RetryFirst<<min(fails-1, 8), RetryLast)
}
