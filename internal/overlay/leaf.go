package overlay

// A leaf keeps few links, to peers that relay, and relays nothing itself: its
// neighbours know its summary and tell theirs. To a relay its leaves are links beside
// the active view.

// role makes the node a leaf, or a relay again. Its neighbours took it for what it
// was, so it parts with them and finds others.
func (c *Core) role(leaf bool) {
	if c.cfg.Leaf == leaf {
		return
	}
	c.cfg.Leaf = leaf
	for len(c.view) > 0 {
		c.part(c.view[len(c.view)-1], ReasonReplaced)
	}
	for len(c.requests) > 0 {
		peer := c.requests[0].contact.Peer
		c.dropRequest(peer)
		c.end(peer, ReasonTransient)
	}
	if c.own.seq != 0 {
		c.timers[timerPublish] = c.upTo(PublishAtOnce)
	}
	c.hurry()
}
