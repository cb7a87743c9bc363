package overlay

import (
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// attempt is one message of a search that went out and has not come to its end.
type attempt struct {
	number uint8 // in the last byte of its GUID
	link   uint32
	slot   uint8
	probe  bool // a hit is all that there is to come of it
}

// name returns the GUID of a search whose attempts have this one or another.
func name(guid wire.GUID) wire.GUID {
	guid[len(guid)-1] = 0
	return guid
}

// open gives a search one more attempt, on its way over a link; nil: over all of them,
// as floods go. It tells whether the search may have one.
func (c *Core) open(s *search, l *link, probe bool) (wire.GUID, bool) {
	if s.attempts == MaxAttempts {
		return wire.GUID{}, false
	}
	s.attempts++
	guid := s.guid
	guid[len(guid)-1] = s.attempts
	side := guid
	side[len(side)-1] |= sideAttempt
	c.routes.add(c.now, guid, route{looked: true})
	c.routes.add(c.now, side, route{looked: true})
	if l != nil {
		s.under = append(s.under, attempt{number: s.attempts, link: l.serial, slot: l.slot, probe: probe})
	}
	return guid, true
}

// attempt returns the place of an attempt among those under way, or -1.
func (s *search) attempt(number uint8) int {
	for i, a := range s.under {
		if a.number == number {
			return i
		}
	}
	return -1
}

// sendWalk lets an attempt of an own search go.
func (c *Core) sendWalk(s *search, hops uint8, w wire.Walk) {
	w.Past = []uint32{c.self.Peer.Mark()}
	w.Tried = slices.Clone(s.wrong[max(0, len(s.wrong)-MaxTried):])
	k := &carried{query: s.query, walk: w, ttl: hops}
	k.walk.Past = s.went // where the others did not begin
	l := c.anywhere(k, nil)
	if l == nil {
		s.went = s.went[:0]
		k.walk.Past = nil
		if l = c.anywhere(k, nil); l == nil {
			return
		}
	}
	s.went = append(s.went, l.mark)
	k.walk.Past = w.Past
	guid, ok := c.open(s, l, false)
	if !ok {
		return
	}
	k.guid = guid
	c.pass(k, l)
}

// probeOrigin lets an attempt of an own search go to an origin.
func (c *Core) probeOrigin(s *search, at int32) {
	o := &c.origins.all[at]
	s.tried = append(s.tried, o.mark)
	k := &carried{
		query: s.query, ttl: ProbeHops,
		walk: wire.Walk{Kind: wire.WalkProbe, Target: o.peer, Past: []uint32{c.self.Peer.Mark()}},
	}
	l := c.wayTo(o.peer, nil)
	if l == nil || !c.pay(l, nil) {
		return
	}
	guid, ok := c.open(s, l, true)
	if !ok {
		return
	}
	k.guid = guid
	c.pass(k, l)
}
