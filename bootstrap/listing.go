package bootstrap

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// listing is a copy of all that may be listed, by peer and name. It is shared and
// not changed.
type listing struct {
	entries  []entry
	size     int // of the story when it was made: what is hidden is looked at too
	revision uint64
	made     time.Time
	took     time.Duration
	readers  int // counted by listings
}

// serves reports whether whoever asks at a revision may have this copy: within a second
// if it is of that revision, else, where it is a big one, for as long that copying takes
// a tenth of the time.
func (l *listing) serves(now time.Time, revision uint64) bool {
	age := now.Sub(l.made)
	return l.revision == revision && age < listingAge ||
		l.size > smallListing && age < listingShare*l.took
}

// listings are the copies that somebody reads, and the last that was made.
type listings struct {
	mu   sync.Mutex // held while one is made: whoever comes meanwhile gets that
	last *listing   // nil: there is none
	read int        // copies that have readers
}

// take counts a reader of the last copy.
func (l *listings) take() (all *listing, release func()) {
	all = l.last
	if all.readers++; all.readers == 1 {
		l.read++
	}
	return all, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if all.readers--; all.readers == 0 {
			l.read--
		}
	}
}

// tidy drops the last copy when nobody has asked for it for a while.
func (l *listings) tidy(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && l.last.readers == 0 && now.Sub(l.last.made) > listingAge {
		l.last = nil
	}
}

// List returns all live registrations of the federation that are not hidden, by peer
// and name.
func (s *Server) List() []Record {
	all, release := s.snapshot()
	defer release()
	records := make([]Record, len(all.entries))
	for i, e := range all.entries {
		records[i] = e.record()
	}
	return records
}

// snapshot returns all entries that may be listed and the revision at which they are
// current, until release is called. A copy of a big directory may be a second old, or
// two where many fellows tell of it; and while maxListings are being read, by whoever
// takes long for it, others get the newest of them.
func (s *Server) snapshot() (all *listing, release func()) {
	l := &s.listings
	l.mu.Lock()
	defer l.mu.Unlock()
	s.mu.Lock()
	began := time.Now()
	s.note(s.table.expire(began))
	revision := s.journal.now()
	if l.last != nil && (l.read >= maxListings || l.last.serves(began, revision)) {
		s.mu.Unlock()
		return l.take()
	}
	entries, size := s.story.list(began), s.story.size()
	s.mu.Unlock()
	sortEntries(entries)
	l.last = &listing{entries: entries, size: size, revision: revision, made: began, took: time.Since(began)}
	return l.take()
}

// ownSnapshot returns what this server itself was told, hidden or not: a copy for each
// of the few that may have it.
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
