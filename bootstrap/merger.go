package bootstrap

import (
	"iter"
	"maps"
	"slices"
	"strings"
)

// merger makes one story of what several servers report: what is there is what any
// of them has. It is pure; it is for one goroutine.
type merger struct {
	known map[leaseID]entry // what was told
	views map[*link]*serverView
	// ended are the sequence numbers with which owners removed registrations: what
	// a server that has not heard of it yet says of older ones does not count.
	ended map[leaseID]uint64
}

// maxEnded bounds that memory. Without it a removal can be told twice.
const maxEnded = 4096

// serverView is what one server has. That of a server that was lost is believed
// until another reports.
type serverView struct {
	lost    bool
	entries map[leaseID]entry
}

func newMerger(known map[leaseID]entry) *merger {
	return &merger{known: known, views: make(map[*link]*serverView), ended: make(map[leaseID]uint64)}
}

// take digests a report and yields what changes by it. What is not taken from the
// sequence was not told, and is yielded after a later report.
func (m *merger) take(r report) iter.Seq[change] {
	touched := make(map[leaseID]ChangeKind)
	v := m.views[r.link]
	switch {
	case r.lost && v != nil:
		v.lost = true
	case r.changed != nil && v != nil:
		id := r.changed.entry.id()
		if removal := r.changed.removal; removal != nil {
			if len(m.ended) >= maxEnded {
				clear(m.ended)
			}
			m.ended[id] = max(m.ended[id], removal.seq)
		}
		switch r.changed.kind {
		case Left, Expired:
			delete(v.entries, id)
		default:
			if _, there := v.entries[id]; there || len(v.entries) < maxListed {
				v.entries[id] = r.changed.entry
			}
		}
		touched[id] = r.changed.kind
	case r.changed == nil && !r.lost:
		v = &serverView{entries: make(map[leaseID]entry, len(r.all))}
		m.views[r.link] = v
		for _, e := range r.all {
			v.entries[e.id()] = e
		}
	}
	live := slices.ContainsFunc(slices.Collect(maps.Values(m.views)), func(v *serverView) bool { return !v.lost })
	if live {
		maps.DeleteFunc(m.views, func(_ *link, v *serverView) bool { return v.lost })
	}
	return func(yield func(change) bool) {
		if !live {
			return // nobody knows better
		}
		if r.changed != nil {
			id := r.changed.entry.id()
			if ch, ok := m.difference(id, touched[id]); ok {
				yield(ch)
			}
			return
		}
		ids := make(map[leaseID]bool)
		for id := range m.known {
			ids[id] = true
		}
		for _, v := range m.views {
			for id := range v.entries {
				ids[id] = true
			}
		}
		for _, id := range slices.SortedFunc(maps.Keys(ids), compareIDs) {
			if ch, ok := m.difference(id, Left); ok && !yield(ch) {
				return
			}
		}
	}
}

// difference brings what is known of one lease up to date and says how it changed.
// What is gone went as the last server that had it said.
func (m *merger) difference(id leaseID, gone ChangeKind) (change, bool) {
	var now entry
	there := false
	for _, v := range m.views {
		e, ok := v.entries[id]
		switch {
		case !ok, e.claim.seq <= m.ended[id]:
		case there:
			now = merge(now, e)
		default:
			now, there = e, true
		}
	}
	old, was := m.known[id]
	switch {
	case !there && !was:
		return change{}, false
	case !there:
		delete(m.known, id)
		old.online = false
		if gone != Expired {
			gone = Left
		}
		return change{kind: gone, entry: old}, true
	}
	m.known[id] = now
	switch {
	case !was:
		return change{kind: Joined, entry: now}, true
	case old.online && !now.online:
		return change{kind: Away, entry: now}, true
	case now.claim.seq > old.claim.seq || now.online && !old.online:
		return change{kind: Updated, entry: now}, true
	}
	return change{}, false
}

func compareIDs(a, b leaseID) int {
	if c := strings.Compare(string(a.key), string(b.key)); c != 0 {
		return c
	}
	return strings.Compare(string(a.peer), string(b.peer))
}
