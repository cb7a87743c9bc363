package overlay

// role makes the node a leaf, or a relay again.
func (c *Core) role(leaf bool) {
	if c.cfg.Leaf == leaf {
		return
	}
	c.cfg.Leaf = leaf
}
