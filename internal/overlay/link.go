package overlay

import (
	"slices"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// link is what the core knows of one neighbour.
type link struct {
	peer    wire.PeerID
	mark    uint32
	contact wire.Contact
	group   string
	since   instant
	serial  uint32 // never used again, unlike slot
	slot    uint8  // its bit in routes
	chosen  bool   // this node sought it, out of its own cache or seeds
	proven  bool   // its addresses were dialled with success

	heard  instant // its last message
	pinged instant
	asked  bool   // a ping is unanswered
	nonce  uint32 // its
	misses int8

	leaf      bool          // it relays nothing
	preferred bool          // it was sought in place of another
	rtt       time.Duration // smoothed; 0: not known yet
	trust     int           // how well what goes over it comes to an end that is heard of
	origins   int           // that it leads to
	told      uint64        // the sequence number of its own summary, as it told it
	signature []byte        // of that

	budget
}

var (
	controlLimit = limit{ControlEvery, ControlBurst}
	excessLimit  = limit{ExcessEvery, ExcessBurst}
	errandLimit  = limit{ErrandEvery, ErrandBurst}
	answerLimit  = limit{AnswerEvery, AnswerBurst}
)

// Neighbour is one peer of the active view.
type Neighbour struct {
	Contact wire.Contact
	Since   time.Time
	Chosen  bool          // the node sought it; otherwise the peer did, or a walk
	Silent  bool          // it owes an answer to a ping
	Leaf    bool          // it relays nothing
	RTT     time.Duration // 0: not measured yet
}

// Neighbours returns the active view, oldest first.
func (c *Core) Neighbours() []Neighbour {
	all := make([]Neighbour, len(c.view))
	for i, l := range c.view {
		all[i] = Neighbour{Contact: l.contact, Since: c.start.Add(l.since), Chosen: l.chosen, Silent: l.misses > 0, Leaf: l.leaf, RTT: l.rtt}
	}
	return all
}

// up adds a neighbour. There must be room.
func (c *Core) up(contact wire.Contact, chosen, proven, leaf bool) *link {
	c.serial++
	for c.slots[c.nextSlot%MaxLinks] != nil {
		c.nextSlot++
	}
	l := &link{
		peer: contact.Peer, mark: contact.Peer.Mark(), contact: contact, group: c.group(contact),
		since: c.now, serial: c.serial, slot: c.nextSlot % MaxLinks,
		chosen: chosen, proven: proven, leaf: leaf, heard: c.now,
		budget: c.budget(contact.Peer),
	}
	c.nextSlot++
	c.slots[l.slot] = l
	c.links[l.peer] = l
	c.view = append(c.view, l)
	c.cache.remove(l.peer)
	c.repairs.gained = true
	c.stats.Ups++
	c.emit(Up, l.peer)
	c.introduce(l)
	return l
}

// bit is the link's in sets of slots.
func (l *link) bit() uint64 { return 1 << l.slot }

// trip is how long a round trip over the link takes, as far as is known.
func (l *link) trip() time.Duration {
	if l.rtt == 0 {
		return 2 * HopTime
	}
	return l.rtt
}

// sampled takes in how long an answer took.
func (l *link) sampled(rtt time.Duration) {
	if l.rtt == 0 {
		l.rtt = rtt
	}
	l.rtt += (rtt - l.rtt) / 8 // as TCP smooths it (RFC 6298)
}

// down removes a neighbour, without a word to it. Its contact goes back to the
// host cache where it may be of use again.
func (c *Core) down(l *link, why Reason) {
	c.keepBudget(l)
	delete(c.links, l.peer)
	c.slots[l.slot] = nil
	for i, other := range c.view {
		if other == l {
			c.view = append(c.view[:i], c.view[i+1:]...)
			break
		}
	}
	c.stats.Downs[why]++
	c.emit(Down, l.peer).Reason = why
	c.withdraw(l)
	c.orphaned(l)
	switch {
	case l.leaf, why == ReasonHostile, why == ReasonLeft:
	case why == ReasonLost, why == ReasonSilent:
		c.keep(l.contact, l.proven)
		c.cache.fail(l.peer, c.now, c.jitter(RetryFirst))
	default:
		c.keep(l.contact, l.proven)
		c.cache.decline(l.peer, c.now+c.jitter(DeclineFor))
	}
	if len(c.view) == 0 {
		c.enterAgain()
	}
	c.hurry()
}

// part ends a link politely.
func (c *Core) part(l *link, why Reason) {
	c.send(l.peer, wire.Message{Kind: wire.KindDisconnect})
	c.end(l.peer, why)
	c.down(l, why)
}

// lost is told when the link to peer, or an attempt to make one, failed.
func (c *Core) lost(peer wire.PeerID) {
	if r := c.requestTo(peer); r != nil {
		joining := r.joining
		c.dropRequest(peer)
		c.repairs.silences++
		c.failed(peer)
		c.hurry()
		if joining {
			c.turnedAway()
		}
	}
	if l := c.links[peer]; l != nil {
		c.down(l, ReasonLost)
	}
	c.directs = slices.DeleteFunc(c.directs, func(d dialled) bool { return d.asker == peer })
}

func (c *Core) disconnected(peer wire.PeerID, leaving bool) {
	c.dropRequest(peer)
	why := ReasonReplaced
	if leaving {
		why = ReasonLeft
		c.cache.remove(peer)
	}
	c.end(peer, why)
	if l := c.links[peer]; l != nil {
		c.down(l, why)
	}
}

// relays is the number of neighbours that are no leaves: the active view proper.
func (c *Core) relays() int { return len(c.view) - c.leaves() }

func (c *Core) leaves() int {
	n := 0
	for _, l := range c.view {
		if l.leaf {
			n++
		}
	}
	return n
}

// healthy is the number of those relays that owe no answer.
func (c *Core) healthy() int {
	n := 0
	for _, l := range c.view {
		if l.misses == 0 && !l.leaf {
			n++
		}
	}
	return n
}

// makeRoom sees that one more link fits. With force, a neighbour that another
// chose is displaced for the newcomer if need be, and told of it, so that both
// ends of the old link can have the newcomer as their new one.
func (c *Core) makeRoom(newcomer wire.Contact, force bool) bool {
	if c.crowded(c.group(newcomer)) {
		return false
	}
	if c.relays() < c.accepted() {
		return true
	}
	for _, l := range c.view {
		if l.misses > 0 && !l.leaf {
			c.part(l, ReasonReplaced)
			return true
		}
	}
	if !force {
		return false
	}
	victim := c.victim()
	if victim == nil || !c.displace.take(c.now, limit{DisplaceEvery, DisplaceBurst}, 0) {
		return false
	}
	c.stats.Displaced++
	c.send(victim.peer, wire.Message{Kind: wire.KindForwardJoin, Contact: newcomer})
	c.part(victim, ReasonReplaced)
	return true
}

// victim picks the neighbour that a newcomer may displace: never one that this
// node chose, nor one of the oldest.
func (c *Core) victim() *link {
	var pick *link
	seen := 0
	old := min(OldestLinks, c.relays()/2)
	for _, l := range c.view {
		if !l.leaf {
			old--
		}
		if l.chosen || l.leaf || old >= 0 {
			continue
		}
		seen++
		if c.rng.IntN(seen) == 0 {
			pick = l
		}
	}
	return pick
}

// crowded tells whether a group has all the links that it may have.
func (c *Core) crowded(group string) bool { return c.groupLinks(group) >= MaxGroupLinks }

// groupLinks is the number of neighbours of a group, leaves apart; of none, 0.
func (c *Core) groupLinks(group string) int {
	n := 0
	for _, l := range c.view {
		if group != "" && l.group == group && !l.leaf {
			n++
		}
	}
	return n
}

func (c *Core) group(contact wire.Contact) string {
	if c.cfg.Group == nil {
		return ""
	}
	return c.cfg.Group(contact)
}

// other returns a random neighbour that is neither of the two and owes no answer,
// or nil.
func (c *Core) other(not, nor wire.PeerID) *link {
	n := len(c.view)
	if n == 0 {
		return nil
	}
	fits := func(l *link) bool { return l.misses == 0 && !l.leaf && l.peer != not && l.peer != nor }
	// Most fit: a few throws nearly always do.
	for range 4 {
		if l := c.view[c.rng.IntN(n)]; fits(l) {
			return l
		}
	}
	start := c.rng.IntN(n)
	for i := range n {
		if l := c.view[(start+i)%n]; fits(l) {
			return l
		}
	}
	return nil
}
