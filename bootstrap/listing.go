package bootstrap

import (
	"cmp"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// listing is a copy of all that may be listed, by peer and name. It is shared and
// not changed.
type listing struct {
	entries  []entry
	revision uint64
	made     time.Time
	took     time.Duration
}

// List returns all live registrations of the federation that are not hidden, by peer
// and name.
func (s *Server) List() []Record {
	entries, _ := s.snapshot()
	records := make([]Record, len(entries))
	for i, e := range entries {
		records[i] = e.record()
	}
	return records
}

// snapshot returns all entries that may be listed and the revision at which they are
// current. Whoever asks at one revision within a second gets the same copy; and
// copying takes a tenth of the time at the most, however many ask for it, so that a
// copy of a big directory may be some tenths of a second old.
func (s *Server) snapshot() ([]entry, uint64) {
	s.mu.Lock()
	began := time.Now()
	s.note(s.table.expire(began))
	last, revision := s.listed, s.journal.now()
	age := began.Sub(last.made)
	if last.entries != nil && (last.revision == revision && age < listingAge || age < listingShare*last.took) {
		s.mu.Unlock()
		return last.entries, last.revision
	}
	entries := s.story.list(began)
	s.mu.Unlock()
	took := time.Since(began)
	sortEntries(entries)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listed = listing{entries, revision, began, took}
	return entries, revision
}

// ownSnapshot returns what this server itself was told, hidden or not.
func (s *Server) ownSnapshot() ([]entry, uint64) {
	s.mu.Lock()
	now := time.Now()
	s.note(s.table.expire(now))
	entries, revision := s.table.list(now), s.ownJournal.now()
	s.mu.Unlock()
	sortEntries(entries)
	return entries, revision
}

func sortEntries(entries []entry) {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.claim.peer, b.claim.peer), cmp.Compare(a.claim.key, b.claim.key))
	})
}

// find returns who holds a name. While servers disagree, consensus decides.
func (s *Server) find(now time.Time, key nameKey) (entry, error) {
	s.mu.Lock()
	found := s.story.lookup(now, key)
	s.mu.Unlock()
	switch len(found) {
	case 0:
		return entry{}, ErrNotRegistered
	case 1:
		return found[0], nil
	}
	holding, held := s.federation.Owner(string(key))
	for _, e := range found {
		if held && e.claim.peer == holding.Owner {
			return e, nil
		}
	}
	return slices.MaxFunc(found, func(a, b entry) int { return cmp.Compare(a.since, b.since) }), nil
}

func (e *entry) record() Record {
	return Record{
		Name:   e.claim.name,
		Peer:   peer.AddrInfo{ID: e.claim.peer, Addrs: e.claim.addresses()},
		Seq:    e.claim.seq,
		Online: e.online, Unconfirmed: e.unconfirmed, Detached: e.detached, Hidden: e.claim.hidden,
		Since:   e.since.time(),
		Expires: e.expires.time(),
	}
}
