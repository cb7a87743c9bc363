package overlay

// strain is told that the node carries more than it can.
func (c *Core) strain() {}
