package overlay

import "slices"

// late is a walk that went on elsewhere, for a neighbour had not acknowledged it in time:
// that it does so now shows haste.
type late struct {
	nonce uint32
	link  uint32
	sent  instant
	due   instant // it is forgotten then
}

// keepLate remembers a walk that is taken back, in place of the oldest if there are too
// many. From a neighbour that is gone nothing more comes.
func (c *Core) keepLate(t *custody) {
	if l := c.slots[t.slot]; l == nil || l.serial != t.link || l.misses > 0 {
		return
	}
	old := 0
	for old < len(c.late) && (c.late[old].due <= c.now || len(c.late)-old >= MaxLate) {
		old++
	}
	c.late = append(slices.Delete(c.late, 0, old), late{nonce: t.nonce, link: t.link, sent: t.sent, due: c.now + LateFor})
}

// acknowledgedLate is told that a walk came to a neighbour that is not waited for.
func (c *Core) acknowledgedLate(l *link, nonce uint32) {
	at := slices.IndexFunc(c.late, func(t late) bool { return t.nonce == nonce && t.link == l.serial && c.now < t.due })
	if at < 0 {
		c.stats.Unexpected++
		return
	}
	sent := c.late[at].sent
	c.late = slices.Delete(c.late, at, at+1)
	c.stats.Acks++
	c.stats.AcksLate++
	l.sampled(c.now - sent)
	c.patience.hasty()
}
