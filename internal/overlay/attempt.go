package overlay

import (
	"crypto/sha256"
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// attempt is one message of a search that went out and has not come to its end.
type attempt struct {
	number uint8
	link   uint32
	slot   uint8
	probe  bool // a hit is all that there is to come of it
	direct bool // it names the node as its asker
}

// numbered is one attempt of a search, under way or not.
type numbered struct {
	search *search
	number uint8 // with sideAttempt: of the probes that it sends out on its way
}

// sideAttempt marks the GUIDs of the probes that a walk sends out on its way.
const sideAttempt = 1 << 7

// Aside returns the GUID of the probes that an attempt sends out on its way.
func Aside(attempt wire.GUID) wire.GUID {
	attempt[len(attempt)-1] |= sideAttempt
	return attempt
}

// guidOf returns the GUID that others see of an attempt. It tells nothing of the
// next one's: whoever knew that could take its way back before it comes.
func (s *search) guidOf(number uint8) wire.GUID {
	sum := sha256.Sum256(append(s.guid[:], number))
	guid := wire.GUID(sum[:len(s.guid)])
	guid[len(guid)-1] &^= sideAttempt
	return guid
}

// Attempt tells to which of the node's own queries a GUID belongs that others see, and
// which of its attempts that is: from 1 to [MaxAttempts], and 128 more for the probes
// aside of one.
func (c *Core) Attempt(guid wire.GUID) (query wire.GUID, number uint8, ok bool) {
	a := c.attemptOf(guid)
	if a.search == nil {
		return wire.GUID{}, 0, false
	}
	return a.search.guid, a.number, true
}

// attemptOf returns no search if the GUID is not of one that goes on.
func (c *Core) attemptOf(guid wire.GUID) numbered {
	side := guid[len(guid)-1] & sideAttempt
	guid[len(guid)-1] &^= sideAttempt
	a := c.attempts[guid]
	a.number |= side
	return a
}

// open gives a search one more attempt, on its way over a link; nil: over all of them,
// as floods go. It tells whether the search may have one.
func (c *Core) open(s *search, l *link, probe bool) (wire.GUID, bool) {
	if s.attempts == MaxAttempts {
		return wire.GUID{}, false
	}
	s.attempts++
	guid := s.guidOf(s.attempts)
	c.attempts[guid] = numbered{s, s.attempts}
	own := route{looked: true, question: s.question}
	c.routes.add(c.now, guid, own)
	c.routes.add(c.now, Aside(guid), own)
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

// sendWalk lets an attempt of an own search go, if a link can carry it.
func (c *Core) sendWalk(s *search, hops uint8, w wire.Walk) bool {
	w.Past = []uint32{c.self.Peer.Mark()}
	w.Tried = slices.Clone(s.wrong[max(0, len(s.wrong)-MaxTried):])
	k := &carried{query: s.query, walk: w, ttl: hops}
	k.walk.Past = s.went // where the others did not begin
	l := c.anywhere(k, nil)
	if l == nil {
		s.went = s.went[:0]
		k.walk.Past = nil
		if l = c.anywhere(k, nil); l == nil {
			return false
		}
	}
	s.went = append(s.went, l.mark)
	k.walk.Past = w.Past
	guid, ok := c.open(s, l, false)
	if !ok {
		return false
	}
	k.guid = guid
	s.under[len(s.under)-1].direct = w.Asker.Peer != ""
	if s.back {
		s.backs = append(s.backs, s.attempts)
	}
	if len(w.Seen) > 0 {
		s.seeing = append(s.seeing, s.attempts)
	}
	c.pass(k, l)
	return true
}

// asker is the contact that far hits of a round of a search's walks are to go to directly:
// the node's own, if others have dialled it. None: they come on the way back. Rounds count
// from 1.
func (c *Core) asker(s *search, round int) wire.Contact {
	s.back = false
	if !c.reached || c.now < c.undialled || c.cfg.Leaf {
		return wire.Contact{}
	}
	if s.back = s.doubted || round%NotDirectly == 0; s.back {
		return wire.Contact{}
	}
	return c.self
}

// later has a plan called again when a link may carry one more query; false if none ever
// will.
func (c *Core) later(s *search) bool {
	if c.healthy() == 0 || s.attempts == MaxAttempts {
		return false
	}
	s.wake = c.now + c.queryLimit.every
	return true
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
