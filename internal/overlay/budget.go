package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// budget is what may still be sent over a link, and what was. A peer that comes back
// finds it as it left it: else it would have a full one for each time that it opens a
// link.
type budget struct {
	control   bucket // what the peer sends of membership
	in, out   bucket // queries it sends and is sent
	excess    bucket // queries over its rate
	summaries bucket // what it tells of them
	published bucket // and of its own, which is passed on to all others
	wants     bucket // and asks for
	wanting   bucket // and is asked for
	answered  bucket // what it is sent as an asker that others name
	naming    bucket // what neighbours are sent because its queries name them
	dialling  bucket // dials of askers that its queries name
	queries   uint32 // that it sent
	repeated  uint32 // of those, ones that it had sent before
}

// budget returns that of a link to a peer.
func (c *Core) budget(peer wire.PeerID) budget {
	if kept := c.budgets.find(c.now, peer); kept != nil {
		return *kept
	}
	return budget{
		control: controlLimit.full(c.now), excess: excessLimit.full(c.now),
		in: c.queryLimit.full(c.now), out: c.queryLimit.full(c.now),
		summaries: summaryLimit.full(c.now), published: nearLimit.full(c.now),
		answered: answerLimit.full(c.now), naming: answerLimit.full(c.now), dialling: answerLimit.full(c.now),
		wants: summaryLimit.full(c.now), wanting: summaryLimit.full(c.now),
	}
}

// keepBudget remembers that of a link that is down, until it would be full anyhow.
func (c *Core) keepBudget(l *link) {
	if kept := c.budgets.find(c.now, l.peer); kept != nil {
		*kept = l.budget
	} else {
		c.budgets.add(c.now, l.peer, l.budget)
	}
}
