package overlay

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// seeding is the state of entering the overlay.
type seeding struct {
	seeds   []wire.Contact
	next    int // the seed to try next
	backoff time.Duration
}

// join enters through seeds, now, and remembers them for later.
func (c *Core) join(seeds []wire.Contact) {
	s := &c.seeding
	for _, seed := range seeds {
		if !valid(seed) || seed.Peer == c.self.Peer {
			continue
		}
		if i := indexOf(s.seeds, seed.Peer); i >= 0 {
			s.seeds[i] = seed
		} else if len(s.seeds) < MaxSeeds {
			s.seeds = append(s.seeds, seed)
		} else {
			s.seeds[c.rng.IntN(len(s.seeds))] = seed
		}
	}
	c.rng.Shuffle(len(s.seeds), func(i, j int) { s.seeds[i], s.seeds[j] = s.seeds[j], s.seeds[i] })
	s.next, s.backoff = 0, RejoinFirst
	c.joinRound()
}

// joinRound asks the next few seeds, and comes again for as long as the node is
// alone or nearly so.
func (c *Core) joinRound() {
	s := &c.seeding
	if len(s.seeds) == 0 {
		return
	}
	asked := 0
	for range s.seeds {
		if asked == JoinSeeds || len(c.requests) >= MaxRequests {
			break
		}
		seed := s.seeds[s.next%len(s.seeds)]
		s.next++
		if c.links[seed.Peer] != nil || c.expelled.find(c.now, seed.Peer) != nil {
			continue
		}
		// A request under way may be on a dial that hangs: let it be.
		if c.requestTo(seed.Peer) == nil {
			c.request(seed, wire.Message{Kind: wire.KindJoin, Contact: c.self, Leaf: c.cfg.Leaf}, true)
		}
		asked++
	}
	c.timers[timerJoin] = c.now + c.jitter(RequestTimeout+s.backoff)
	s.backoff = min(2*s.backoff, RejoinLast)
	if c.candidate() == nil {
		c.repairs.after = c.now + WalksWithin
	}
	c.timers[timerRepair] = min(c.timers[timerRepair], max(c.repairs.after, c.upTo(RepairEvery/2)))
}

// enterAgain plans a round of joining, soon: the host cache comes first.
func (c *Core) enterAgain() {
	c.seeding.backoff = RejoinFirst
	c.timers[timerJoin] = min(c.timers[timerJoin], c.upTo(RejoinFirst)+RejoinFirst)
}

// turnedAway is told that a seed is out of reach or declined. If it was the last
// one asked and the node is still alone, the next round need not wait for it.
func (c *Core) turnedAway() {
	for i := range c.requests {
		if c.requests[i].joining {
			return
		}
	}
	if len(c.view) == 0 {
		c.timers[timerJoin] = min(c.timers[timerJoin], c.now+c.jitter(c.seeding.backoff))
	}
}

// alone tells whether entering again is called for: there is no neighbour, or few
// and nobody left to ask.
func (c *Core) alone() bool {
	return len(c.view) == 0 || 2*c.healthy() < c.sought() && c.candidate() == nil
}

// joined is told by a peer that wants in, through this node. It is given a link
// if there is room or room can be made, a first set of contacts, and walks that
// bring it to other parts of the overlay.
func (c *Core) joined(peer wire.PeerID, joiner wire.Contact, leaf bool) {
	if joiner.Peer != peer || !valid(joiner) {
		c.expel(peer)
		return
	}
	if c.links[peer] != nil {
		// Its walks are done: once is enough for one link.
		c.send(peer, wire.Message{Kind: wire.KindNeighbourReply, Flag: true})
		return
	}
	if !c.admit.take(c.now, limit{AdmitEvery, AdmitBurst}, 0) {
		c.stats.ControlOverRate++
		c.decline(joiner)
		return
	}
	if sample := c.sample(joiner.Peer, wire.MaxContacts/2, wire.MaxContacts/2); len(sample) > 0 {
		c.send(peer, wire.Message{Kind: wire.KindShuffleReply, Contacts: sample})
	}
	c.grant(joiner, true, leaf)
	if leaf {
		return // nobody else can dial it
	}
	// Whoever was displaced for the joiner is gone from the view by now.
	walks := c.cfg.walks()
	for _, i := range c.rng.Perm(len(c.view)) {
		if l := c.view[i]; l.peer != peer && !l.leaf && walks > 0 {
			walks--
			c.send(l.peer, wire.Message{Kind: wire.KindForwardJoin, Contact: joiner, TTL: c.cfg.JoinTTL})
		}
	}
}

// forwardJoin takes a joiner's walk one link on, or ends it here.
func (c *Core) forwardJoin(l *link, m *wire.Message) {
	joiner := m.Contact
	if !valid(joiner) || joiner.Peer == l.peer {
		c.expel(l.peer)
		return
	}
	if c.cfg.Leaf || joiner.Peer == c.self.Peer || c.expelled.find(c.now, joiner.Peer) != nil {
		return
	}
	ttl := min(m.TTL, c.cfg.JoinTTL)
	if ttl > 0 {
		if ttl == c.cfg.PassiveTTL {
			c.keep(joiner, false)
		}
		if next := c.other(l.peer, joiner.Peer); next != nil && len(c.view) > 1 {
			c.send(next.peer, wire.Message{Kind: wire.KindForwardJoin, Contact: joiner, TTL: ttl - 1})
			return
		}
	}
	c.welcome(joiner)
}

// welcome asks a joiner whose walk ends here for a link. Where views have no
// slack, as in HyParView, room is made for it; else full nodes leave it to
// others, and views stay near their target.
func (c *Core) welcome(joiner wire.Contact) {
	tight := c.accepted() == c.sought()
	switch {
	case c.links[joiner.Peer] != nil || c.requestTo(joiner.Peer) != nil || c.crowded(c.group(joiner)):
	case len(c.requests) >= MaxRequests || c.relays() >= c.accepted() && !tight,
		!c.errands.take(c.now, errandLimit, 0):
		c.keep(joiner, false)
	default:
		c.request(joiner, wire.Message{Kind: wire.KindNeighbour}, false).forced = tight
	}
}

func indexOf(contacts []wire.Contact, peer wire.PeerID) int {
	for i := range contacts {
		if contacts[i].Peer == peer {
			return i
		}
	}
	return -1
}
