package bootstrap

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
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

// brokenStore fails from some commit on, until it is mended.
type brokenStore struct {
	leaseStore
	mu     sync.Mutex
	ok     int
	mended bool
}

func (b *brokenStore) commit(steps []leaseStep) error {
	if err := b.fail(); err != nil {
		return err
	}
	return b.leaseStore.commit(steps)
}

func (b *brokenStore) replace(all []leaseStep) error {
	if err := b.fail(); err != nil {
		return err
	}
	return b.leaseStore.replace(all)
}

func (b *brokenStore) fail() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ok--; b.ok < 0 && !b.mended {
		return errors.New("disk full")
	}
	return nil
}

func (b *brokenStore) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mended = true
}

func TestStorageFailureIsTold(t *testing.T) {
	broken := &brokenStore{leaseStore: MemoryStore().leases, ok: 1}
	store := MemoryStore()
	store.leases = broken
	s := startServer(t, func(s *Server) { s.Store = store })
	alice, bob := newHost(t), newHost(t)
	a, b := rawTalk(t, alice, s), rawTalk(t, bob, s)
	if resp := a.asks(t, registerRequest(sealed(t, alice))); resp.GetGranted() == nil {
		t.Fatal(resp)
	}
	bobs := sealed(t, bob, func(c *claim) { c.name = "" })
	for range 2 {
		resp := b.asks(t, registerRequest(bobs))
		if code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_STORAGE || resp.GetError().RetryMs == 0 {
			t.Fatalf("what is not durable is acknowledged: %v", resp)
		}
	}
	give := func(c *claim) { c.removed, c.seq, c.name = true, 99, "" }
	if resp := b.asks(t, removeRequest(sealed(t, bob, give))); code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_STORAGE {
		t.Fatalf("a removal that is not durable is acknowledged: %v", resp)
	}
	if records := s.List(); len(records) != 1 || records[0].Name != "alice" {
		t.Fatalf("listed are %v", records)
	}
	// Everything else goes on.
	if resp := a.asks(t, renewRequest("alice")); resp.GetGranted() == nil {
		t.Fatal(resp)
	}
	if w := get(t, s, "/healthz"); w.Code != http.StatusServiceUnavailable {
		t.Fatalf("health: %d", w.Code)
	}
	// With room on the disk again it goes on, with all that it ought to hold.
	broken.mend()
	s.mu.Lock()
	s.storeAgain = time.Time{}
	s.mu.Unlock()
	if resp := b.asks(t, registerRequest(bobs)); resp.GetGranted() == nil {
		t.Fatal(resp)
	}
	if kept := storedLeases(t, store); len(kept) != 2 {
		t.Fatalf("%d leases are stored", len(kept))
	}
	if w := get(t, s, "/healthz"); w.Code != http.StatusOK {
		t.Fatalf("health: %d", w.Code)
	}
}
