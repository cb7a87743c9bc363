package overlay

import (
	"slices"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// search is a query of the node's own.
type search struct {
	guid     wire.GUID // secret: others see those of its attempts
	query    *wire.Query
	pattern  *summary.Pattern
	question uint64 // the query, digested
	plan     plan
	ttl      uint8   // of floods
	within   instant // how long its answers are worth something
	deadline instant
	wake     instant // when the plan is called; never: not
	attempts uint8   // made so far
	under    []attempt
	results  map[result]*brought   // delivered, whoever brought them
	found    int                   // results delivered and not rejected
	direct   bool                  // something came by a dial: others can
	back     bool                  // the walks that go out now are answered on the way back by choice
	backs    []uint8               // the attempts that are
	doubted  bool                  // nothing was heard of the search before: others may not be able to dial
	unheard  bool                  // walks that were to be answered directly are lost
	lingers  bool                  // there is nobody left to ask
	lingered instant               // until then, as it was planned
	tried    []uint32              // marks of the origins that were probed
	wrong    []uint32              // and of those that do not have what they promised
	went     []uint32              // marks of the neighbours that walks began at
	seeing   []uint8               // the attempts that carried a set of the origins seen
	own      wire.Tally            // what this node saw itself
	latest   map[uint8]*wire.Tally // of each attempt, when it was last heard of
}

// ownLimit is the rate of own queries: what every link has in reserve for them
// at once, and then no more than a link carries. Faster ones would only be
// dropped by the neighbours, so they wait here.
func (c *Core) ownLimit() limit {
	return limit{every: c.queryLimit.every, burst: max(1, c.queryLimit.burst/OwnReserve)}
}

// ask starts a query of the node's own, as soon as its turn comes.
func (c *Core) ask(ev *Event) {
	if ev.Query == nil || c.searches[ev.GUID] != nil {
		return
	}
	if len(c.searches) >= MaxSearches {
		c.stats.QueriesUnasked++
		return
	}
	s := &search{
		guid: ev.GUID, query: ev.Query, pattern: summary.For(ev.Query.Key, ev.Query.Words), question: c.digest(ev.Query),
		plan: ev.Strategy.plan(), ttl: ev.TTL, within: ev.Within, wake: never, deadline: never,
		latest: make(map[uint8]*wire.Tally), results: make(map[result]*brought),
	}
	if s.ttl == 0 {
		s.ttl = c.cfg.QueryTTL
	}
	s.ttl = min(s.ttl, MaxTTL)
	if s.within <= 0 {
		s.within = AskWithin
	}
	c.searches[s.guid] = s
	c.waiting = append(c.waiting, s)
	c.askWaiting()
}

// askWaiting starts the searches whose turn has come.
func (c *Core) askWaiting() {
	for len(c.waiting) > 0 {
		if !c.asking.take(c.now, c.ownLimit(), 0) {
			c.timers[timerAsk] = c.now + c.queryLimit.every
			return
		}
		s := c.waiting[0]
		c.waiting = append(c.waiting[:0], c.waiting[1:]...)
		s.deadline = c.now + s.within
		s.doubted, c.doubted = c.doubted, false
		c.underway = append(c.underway, s)
		s.plan.start(c, s)
		c.searchTimer()
	}
}

// searchTimer plans the next call of a plan, or end of a search.
func (c *Core) searchTimer() {
	next := never
	for _, s := range c.underway {
		next = min(next, s.wake, s.deadline)
	}
	c.timers[timerSearch] = next
}

// searchesDue calls the plans that asked for it, and ends the searches whose time is
// up.
func (c *Core) searchesDue() {
	for i := 0; i < len(c.underway); {
		s := c.underway[i]
		switch {
		case s.deadline <= c.now:
			c.finish(s)
		case s.wake <= c.now:
			s.wake = never
			if s.found < int(s.query.Max) {
				s.plan.waited(c, s)
			}
		}
		if i < len(c.underway) && c.underway[i] == s {
			i++
		}
	}
	c.searchTimer()
}

// reported is told that an attempt came to its end, somewhere.
func (c *Core) reported(a numbered, t *wire.Tally) {
	s := a.search
	if s == nil {
		return
	}
	if t != nil {
		s.count(a.number, t)
	}
	if i := s.attempt(a.number); i >= 0 {
		c.trust(s.under[i], true)
		c.over(s, i)
	}
}

// over takes an attempt out of those under way. The plan is told of the last, if there
// are too few results yet.
func (c *Core) over(s *search, i int) {
	s.under = append(s.under[:i], s.under[i+1:]...)
	if len(s.under) == 0 && s.found < int(s.query.Max) {
		s.plan.ended(c, s)
		c.searchTimer()
	}
}

// delivered is told that an attempt brought results. Whether they are true, and so
// whether the way they came is to be trusted, is not known yet.
func (c *Core) delivered(a numbered, t *wire.Tally) {
	s := a.search
	i := s.attempt(a.number)
	switch {
	case i < 0:
	case s.under[i].probe:
		c.over(s, i)
	case t != nil && t.Found >= uint32(s.query.Max):
		s.under = append(s.under[:i], s.under[i+1:]...)
	}
}

// lose gives up the attempts that are still under way: they are lost.
func (c *Core) lose(s *search) int {
	n := len(s.under)
	for _, a := range s.under {
		c.trust(a, false)
	}
	s.unheard = s.unheard || s.waitsDirectly()
	s.own.Unreachable += uint16(n)
	s.under = s.under[:0]
	return n
}

// waitsDirectly tells whether walks are under way that are to be answered directly.
func (s *search) waitsDirectly() bool {
	return slices.ContainsFunc(s.under, func(a attempt) bool { return a.direct })
}

// trust remembers whether what goes over a link comes to an end that is heard of. A
// peer that drops what it should carry shows in nothing else.
func (c *Core) trust(a attempt, came bool) {
	l := c.slots[a.slot]
	if l == nil || l.serial != a.link {
		return
	}
	if came {
		l.trust = min(l.trust+1, MostTrust)
	} else {
		l.trust = max(l.trust-2, -MostTrust)
	}
}

// linger ends a search that has run out of peers to ask, after a little while: for hits
// that are on their way, and if there were none, for the summaries of what has just been
// shared.
func (c *Core) linger(s *search) {
	s.lingers = true
	s.wake = c.now + Linger
	if s.found > 0 {
		s.wake = c.now + c.trip(ProbeHops)
	}
	s.lingered = s.wake
}

// news probes an origin that may have what a search is still looking for, by a
// summary that has just come. The last of them are waited for.
func (c *Core) news(o wire.PeerID, f *summary.Filter) {
	for _, s := range c.underway {
		if s.lingers && s.found < int(s.query.Max) && !slices.Contains(s.wrong, o.Mark()) && f.Matches(s.pattern) {
			c.probeOrigin(s, c.origins.places[o])
			if len(s.under) > 0 {
				s.wake = max(s.wake, min(c.now, s.lingered)+c.trip(ProbeHops))
				c.searchTimer()
			}
		}
	}
}

// finish ends a search: nothing more will come of it.
func (c *Core) finish(s *search) {
	s.unheard = s.unheard || s.waitsDirectly()
	e := c.emit(Done, "")
	e.GUID = s.guid
	e.Tally = c.tally(s)
	e.Msg.Tally = e.Tally
	c.cancel(s.guid)
}

// cancel drops a query of the node's own, and whatever still comes for it.
func (c *Core) cancel(guid wire.GUID) {
	s := c.searches[guid]
	if s == nil {
		return
	}
	if s.unheard && !s.direct && s.found == 0 {
		c.doubted = !s.doubted
	}
	delete(c.searches, s.guid)
	for number := range s.attempts {
		delete(c.attempts, s.guidOf(number+1))
	}
	c.waiting = without(c.waiting, s)
	c.underway = without(c.underway, s)
	c.searchTimer()
}

func without(all []*search, s *search) []*search {
	for i := range all {
		if all[i] == s {
			return append(all[:i], all[i+1:]...)
		}
	}
	return all
}

// trip is how long that many hops may take, there being some that wait in vain for
// an acknowledgement.
func (c *Core) trip(hops int) time.Duration {
	hop, sum, measured := HopTime, time.Duration(0), 0
	for _, l := range c.view {
		if l.rtt > 0 {
			sum += l.rtt
			measured++
		}
	}
	if measured > 0 {
		hop = max(sum/time.Duration(2*measured), time.Millisecond)
	}
	return c.patience.times(TripSlack + time.Duration(hops)*hop*3/2)
}
