package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// exhaustive is for who wants to know that something is not there. It probes all
// that is known to match, and sends one walk that probes on its way what matches,
// and goes on until the peers that it comes to know of nobody new.
type exhaustive struct {
	surveys int
}

func (x *exhaustive) start(c *Core, s *search) {
	for _, at := range c.promising(s.pattern, s.tried, MaxSurveyProbes) {
		c.probeOrigin(s, at)
	}
	x.survey(c, s)
}

func (x *exhaustive) ended(c *Core, s *search) {
	if x.surveys == 0 {
		x.survey(c, s)
		return
	}
	c.linger(s)
}

// waited is told that nothing was heard for so long that the survey must be lost.
func (x *exhaustive) waited(c *Core, s *search) {
	c.lose(s)
	if s.lingers || x.surveys == MaxSurveys {
		c.finish(s)
		return
	}
	x.survey(c, s)
}

func (x *exhaustive) survey(c *Core, s *search) {
	sent := c.sendWalk(s, SurveyHops, wire.Walk{
		Kind: wire.WalkSurvey, Asker: c.asker(s, x.surveys+1), Seen: c.seen(wire.MaxSeen), Careful: true,
	})
	switch {
	case sent:
	case len(s.under) > 0: // probes; it goes when they have ended
		s.wake = c.now + c.trip(ProbeHops)
		return
	case c.later(s):
		return
	default:
		c.finish(s)
		return
	}
	x.surveys++
	s.wake = c.now + c.trip(SurveyHops) + LostHops*c.ackWait(nil)
}
