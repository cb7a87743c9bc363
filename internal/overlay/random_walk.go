package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// randomWalk sends walkers that look at no summary, and new ones when they are
// through (Lv et al. 2002).
type randomWalk struct {
	round int
}

func (r *randomWalk) start(c *Core, s *search) {
	r.round++
	for range RandomWalkers {
		c.sendWalk(s, WalkHops, wire.Walk{Kind: wire.WalkRandom, Asker: c.asker(s, r.round)})
	}
	if len(s.under) == 0 {
		if !c.later(s) {
			c.finish(s)
		}
		return
	}
	s.wake = c.now + c.trip(WalkHops)
}

func (r *randomWalk) ended(c *Core, s *search) { r.start(c, s) }

func (r *randomWalk) waited(c *Core, s *search) {
	c.lose(s)
	r.start(c, s)
}
