package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// guided is the default strategy. It probes the origins within two links whose
// summaries match; then a scout goes from peer to peer, follows what matches on its
// way, and else goes anywhere new; then walkers do the same for longer. Where a walk
// vanishes, as among the dead, another goes that is acknowledged hop by hop. Where that
// does not help, or what came was false, as among the hostile, more and more scouts go
// out at once.
type guided struct {
	stage  guidedStage
	probed int    // rounds of probes in a row that brought nothing
	round  int    // of attempts after some were lost
	walks  int    // walkers so far
	found  int    // when the last round of probes went out
	out    uint16 // who had not answered when the last round of attempts went out
}

type guidedStage uint8

const (
	probing guidedStage = iota
	scouting
	walking
	again
)

func (g *guided) start(c *Core, s *search) { g.probeOrScout(c, s) }

// probeOrScout probes no more origins at first than results are wanted: most keep what
// they promise. Where two rounds bring nothing more do not go on with it: one link may
// lead to very many that promise everything.
func (g *guided) probeOrScout(c *Core, s *search) {
	if s.found > g.found {
		g.probed = 0
	}
	g.found = s.found
	if g.probed == VainProbes {
		g.scout(c, s)
		return
	}
	g.probed++
	n := MaxProbes
	if len(s.tried) == 0 {
		n = min(n, int(s.query.Max))
	}
	for _, at := range c.promising(s.pattern, s.tried, MaxProbes) {
		if len(s.under) < n { // not all can be paid
			c.probeOrigin(s, at)
		}
	}
	if len(s.under) > 0 {
		s.wake = c.now + c.trip(ProbeHops)
		return
	}
	g.scout(c, s)
}

func (g *guided) ended(c *Core, s *search) {
	switch {
	case g.stage == probing:
		g.probeOrScout(c, s)
	case len(s.wrong) > 0 && g.round < MaxRounds:
		g.again(c, s)
	case s.seenAll(), c.small() && len(s.went) >= c.relays() && s.nobodyNew(): // there is nobody left to ask
		c.linger(s)
	case g.walks < MaxWalkers || g.walks < 2*MaxWalkers && s.missed() > EnoughMissed:
		g.walk(c, s)
	default:
		c.linger(s)
	}
}

func (g *guided) waited(c *Core, s *search) {
	lost := c.lose(s)
	switch {
	case s.lingers && g.outOfReach(c, s) && g.round < MaxRounds:
		g.again(c, s)
	case s.lingers:
		c.finish(s)
	case g.stage == probing:
		g.probeOrScout(c, s)
	case lost > 0 && g.round < MaxRounds:
		g.again(c, s)
	default:
		g.ended(c, s)
	}
}

func (g *guided) scout(c *Core, s *search) {
	hops := min(WalkHops, max(ScoutHops, ScoutHops*ScoutDegree/max(1, c.relays())))
	w := wire.Walk{Kind: wire.WalkGuided, Asker: c.asker(s, 1)}
	if c.small() {
		w.Seen = c.seen(TinySeen) // it may see it all
	}
	g.send(c, s, scouting, 1, uint8(hops), w)
}

// small tells whether the origins known may be all that there are.
func (c *Core) small() bool { return c.Origins() < SmallOverlay*c.relays() }

// walk sends as many walkers at once as results are still wanted. For a single result
// they go one after the other, which takes longer and fewer messages.
func (g *guided) walk(c *Core, s *search) {
	n := min(MaxWalkers, max(1, int(s.query.Max)-s.found))
	g.walks += g.send(c, s, walking, n, WalkHops, wire.Walk{
		Kind: wire.WalkGuided, Asker: c.asker(s, 1), Seen: c.seen(SmallSeen), Careful: g.round > 0,
	})
}

// outOfReach tells whether another round may bring what the last one did not: what was out
// of reach may have new neighbours by now. Once something is found one round is enough for
// each that was, or a single walk that is lost would make a search for many use all its time.
func (g *guided) outOfReach(c *Core, s *search) bool {
	out := c.tally(s).Unreachable
	return out > g.out || out > 0 && s.found == 0
}

func (g *guided) again(c *Core, s *search) {
	s.lingers = false
	round, out := g.round+1, c.tally(s).Unreachable
	w := wire.Walk{Kind: wire.WalkGuided, Asker: c.asker(s, round)}
	n := round
	if len(s.wrong) > 0 { // the dead tell nothing false
		n = HostileScouts + 2*(round-1)/3
	}
	w.Careful = n == 1 // among the dead one such is enough
	if g.send(c, s, again, min(n, max(1, c.relays())), ScoutHops, w) > 0 {
		g.round, g.out = round, out
	}
}

// send lets up to n walks go, as many as the links can carry, and waits for them. Where
// they can carry none the plan stays where it is, and is called again.
func (g *guided) send(c *Core, s *search, stage guidedStage, n int, hops uint8, w wire.Walk) (sent int) {
	for range n {
		if c.sendWalk(s, hops, w) {
			sent++
		}
	}
	if len(s.under) == 0 {
		if !c.later(s) {
			c.finish(s)
		}
		return 0
	}
	g.stage = stage
	if g.stage == again && len(s.wrong) > 0 {
		hops = HostileWait // few live longer
	}
	s.wake = c.now + c.trip(int(hops))
	if g.stage != again || w.Careful {
		s.wake += LostHops * c.ackWait(nil)
	}
	return sent
}
