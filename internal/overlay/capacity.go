package overlay

// capacity is how much less than its configured degree a node carries.
type capacity struct {
	less  int
	since instant // of the last change
}

// sought is how many neighbours the node asks for now.
func (c *Core) sought() int { return max(1, c.cfg.Sought()-c.capacity.less) }

// accepted is how many it accepts now, leaves apart.
func (c *Core) accepted() int { return max(1, c.cfg.Accepted()-c.capacity.less) }

// strain is told that the node carries more than it can: it lets go of links, down
// to a bound.
func (c *Core) strain() {
	if c.capacity.since != 0 && c.now-c.capacity.since < StrainEvery || c.cfg.Sought() <= LeafDegree {
		return
	}
	c.capacity.since = c.now
	c.capacity.less = min(c.capacity.less+StrainStep, c.cfg.Degree/LeastDegree)
	for c.relays() > c.accepted() {
		victim := c.victim()
		if victim == nil {
			return
		}
		c.part(victim, ReasonReplaced)
	}
}

// recover lets a node that is no longer strained grow back.
func (c *Core) recover() {
	if c.capacity.less > 0 && c.now-c.capacity.since >= CalmFor {
		c.capacity.less--
		c.capacity.since = c.now
		c.hurry()
	}
}
