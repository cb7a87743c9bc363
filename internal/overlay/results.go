package overlay

import (
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// result is one item of one holder: two walks may bring it both.
type result struct {
	holder wire.PeerID
	key    string
	name   string
}

// brought is who brought a result first, and what became of it.
type brought struct {
	by       uint64 // a source
	rejected bool
}

// asked are the items of a hit that can be an answer. What has another key would be
// counted, and never yielded.
func (s *search) asked(items []wire.Item) []wire.Item {
	other := func(it wire.Item) bool { return s.query.Key != "" && it.Key != s.query.Key }
	if !slices.ContainsFunc(items, other) {
		return items
	}
	return slices.DeleteFunc(slices.Clone(items), other)
}

// fresh notes the items of a hit, and returns how many of them are new.
func (s *search) fresh(holder wire.PeerID, by uint64, items []wire.Item) (n int) {
	for i := range items {
		r := result{holder, items[i].Key, items[i].Name}
		if s.results[r] == nil {
			s.results[r] = &brought{by: by}
			n++
		}
	}
	return n
}

// reject takes back a result that a search was answered with: it was false. The search
// goes on, and goes to its holder no more.
func (c *Core) reject(guid wire.GUID, holder wire.PeerID, items []wire.Item) {
	s := c.searches[guid]
	if s == nil || len(items) != 1 {
		return
	}
	b := s.results[result{holder, items[0].Key, items[0].Name}]
	if b == nil || b.rejected {
		return
	}
	c.blame(s, holder, b)
	b.rejected = true
	s.found--
	if !slices.Contains(s.wrong, holder.Mark()) {
		s.wrong = append(s.wrong, holder.Mark())
	}
	s.own.Stale++
	if r := c.routes.find(c.now, s.guid); r != nil && r.results > 0 {
		r.results-- // whoever brought it has used up some of its own
	}
	switch {
	case s.found >= int(s.query.Max) || s.deadline == never:
	case len(s.under) == 0:
		s.plan.ended(c, s)
		c.searchTimer()
	case s.wake == never:
		s.wake = c.now + c.trip(ScoutHops)
		c.searchTimer()
	}
}

// blame lets the link that brought a false result be trusted less. Who says itself that
// it has what it does not is a liar; one that passed another's word on is at most as bad
// as one that loses what it carries, once a search, for anybody behind it can forge.
func (c *Core) blame(s *search, holder wire.PeerID, b *brought) {
	at := slices.IndexFunc(c.view, func(l *link) bool { return uint64(l.serial) == b.by })
	if at < 0 {
		return
	}
	l := c.view[at]
	if l.peer == holder {
		l.trust = -MostTrust
		return
	}
	for _, other := range s.results {
		if other.rejected && other.by == b.by {
			return
		}
	}
	l.trust = max(l.trust-2, -MostTrust)
}
