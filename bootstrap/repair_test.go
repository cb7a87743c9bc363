package bootstrap

import (
	"testing"
	"time"
)

// slowStore lets a test do something while all leases are written anew.
type slowStore struct {
	*brokenStore
	meanwhile func()
}

func (s slowStore) replace(all []leaseStep) error {
	s.meanwhile()
	return s.brokenStore.replace(all)
}

// What ends while a store is repaired, or could not be, is not in it afterwards.
func TestWhatEndsDuringARepairIsNotStored(t *testing.T) {
	s := quietServer(t)
	broken := &brokenStore{leaseStore: s.Store.leases, ok: 1}
	ends := []leaseID{{"a", ""}, {"b", ""}, {"c", ""}}
	s.Store.leases = slowStore{broken, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.storeFail == nil {
			t.Error("a store that is not repaired yet counts as one that works")
		}
		s.note(s.table.end(ends[0]))
		ends = ends[1:]
	}}
	register := func(ids ...leaseID) {
		var batch []*write
		for _, id := range ids {
			batch = append(batch, &write{claim: claimOf(id.peer, "", 1)})
		}
		s.storeAgain = time.Time{}
		s.apply(batch)
	}
	register(ends[0], ends[1], ends[2], leaseID{"d", ""})
	register(leaseID{"e", ""}) // fails
	register(leaseID{"e", ""}) // the repair does
	broken.mend()
	register(leaseID{"e", ""})
	kept := storedLeases(t, s.Store)
	for _, id := range []leaseID{{"c", ""}, {"d", ""}, {"e", ""}} {
		if kept[id] == nil {
			t.Errorf("%q is not stored", id.peer)
		}
	}
	if len(kept) != 3 || len(s.ended) != 0 {
		t.Errorf("%d leases are stored, and %v have ended", len(kept), s.ended)
	}
}
