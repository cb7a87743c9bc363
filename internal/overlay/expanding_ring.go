package overlay

// expandingRing floods with a TTL of 1, then 2, and so on, until there are enough
// results (Lv et al. 2002).
type expandingRing struct {
	ttl uint8
}

func (r *expandingRing) start(c *Core, s *search) { r.waited(c, s) }

// ended is told that what came was false: the ring goes on growing, when its time has
// come.
func (r *expandingRing) ended(c *Core, s *search) {
	if s.wake == never {
		r.waited(c, s)
	}
}

func (r *expandingRing) waited(c *Core, s *search) {
	if r.ttl == s.ttl {
		c.finish(s)
		return
	}
	r.ttl++
	if guid, ok := c.open(s, nil, false); ok {
		s.own.Messages += uint32(c.spread(guid, s.query, r.ttl, 0, nil))
	}
	s.wake = c.now + c.trip(2*int(r.ttl))
}
