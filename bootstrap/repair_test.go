package bootstrap

import (
	"context"
	"testing"
	"testing/synctest"
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

// The writer is not asked all the time to store what has ended while it leaves the store
// alone, but as soon as it does not.
func TestWhatEndedWaitsForTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quiet(t, 0)
		s.wake, s.writes = make(chan struct{}, 1), make(chan *write, 1)
		s.ctx, s.cancel = context.WithCancel(t.Context())
		s.ended, s.storeAgain = []leaseID{{"a", ""}}, time.Now().Add(storeRetry)
		s.wg.Add(1)
		go s.expire()
		defer s.wg.Wait()
		defer s.cancel()
		for _, wait := range []time.Duration{0, storeRetry - 1, 1} {
			s.alarm() // as the writer does each time
			<-time.After(wait)
			synctest.Wait()
			if asked := len(s.writes) > 0; asked != !time.Now().Before(s.storeAgain) {
				t.Errorf("it is asked %s before the store is tried again: %v", time.Until(s.storeAgain), asked)
			}
		}
	})
}
