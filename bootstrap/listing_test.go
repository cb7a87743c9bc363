package bootstrap

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// quiet is a server of some registrations that nobody can reach, for virtual time.
func quiet(t testing.TB, registrations int) *Server {
	t.Helper()
	s := &Server{table: newTable(time.Hour, Limits{}.withDefaults()), journal: newJournal(journalSize, 1, encodeEntry)}
	s.story = newStory(s.table)
	for i := range registrations {
		c := claimOf(peer.ID(fmt.Sprintf("peer%032d", i*7919%registrations)), "", 1)
		if _, _, _, err := s.table.grant(time.Now(), c, manner{}); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// changes makes copies of what there was too old.
func (s *Server) changes() { s.journal.add(change{kind: Updated, entry: entry{claim: &claim{}}}) }

// Of many who ask while a copy is made all get that one.
func TestWhoeverWaitsSharesTheListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const asking = 100
		s := quiet(t, 10_000)
		got := make([]*listing, asking)
		var all sync.WaitGroup
		s.mu.Lock() // so that all come before the first copy
		for i := range got {
			all.Go(func() {
				var release func()
				got[i], release = s.snapshot()
				release()
			})
		}
		s.mu.Unlock()
		all.Wait()
		copies := make(map[*listing]bool)
		for _, l := range got {
			copies[l] = true
		}
		if len(copies) != 1 {
			t.Errorf("%d who ask at once got %d copies", asking, len(copies))
		}
	})
}

// A big directory is copied no more than a tenth of the time, whatever changes; a small
// one is always told as it is, however busy the machine was when it was copied.
func TestOnlyBigListingsAreOld(t *testing.T) {
	made := time.Now()
	for _, tt := range []struct {
		size    int
		changed bool
		age     time.Duration
		want    bool
	}{
		{2, false, listingAge - 1, true},
		{2, false, listingAge, false},
		{smallListing, true, 1, false},
		{smallListing + 1, true, 899 * time.Millisecond, true},
		{smallListing + 1, true, 900 * time.Millisecond, false},
	} {
		l := &listing{size: tt.size, revision: 1, made: made, took: 100 * time.Millisecond}
		revision := l.revision
		if tt.changed {
			revision++
		}
		if got := l.serves(made.Add(tt.age), revision); got != tt.want {
			t.Errorf("%+v: %v", tt, got)
		}
	}
}

// What is hidden is looked at for a copy too: a directory is big with it, though the list
// of the others is small.
func TestHiddenOnesMakeADirectoryBig(t *testing.T) {
	for hidden, want := range map[int]bool{smallListing - 1: false, smallListing: true} {
		s := quiet(t, 1)
		var elsewhere []entry
		for i := range hidden {
			c := claimOf(peer.ID(fmt.Sprint("hidden", i)), "", 1)
			c.hidden = true
			if i%2 == 0 {
				elsewhere = append(elsewhere, entry{claim: c, online: true})
			} else if _, _, _, err := s.table.grant(time.Now(), c, manner{}); err != nil {
				t.Fatal(err)
			}
		}
		adoptAll(s.story, "fellow", elsewhere)
		all, release := s.snapshot()
		release()
		all.took = time.Minute
		if n := len(all.entries); n != 1 {
			t.Errorf("%d are listed", n)
		}
		if got := all.serves(all.made.Add(1), all.revision+1); got != want {
			t.Errorf("beside %d hidden ones an old copy serves: %v", hidden, got)
		}
	}
}

// Who reads slowly keeps few copies, others get the newest of them, and what is not
// read is dropped.
func TestListingsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := quiet(t, 2)
		take := func() (*listing, func()) {
			s.changes()
			<-time.After(time.Second)
			return s.snapshot()
		}
		var slow []func()
		var newest *listing
		for i := range maxListings {
			all, release := take()
			if all == newest || all.revision != s.journal.now() {
				t.Errorf("reader %d got an old copy", i)
			}
			newest, slow = all, append(slow, release)
		}
		for range 3 {
			all, release := take()
			if all != newest {
				t.Error("there is one more copy, or it is not the newest")
			}
			release()
		}
		slow[0]()
		all, release := take()
		if all == newest {
			t.Error("a copy that nobody reads still counts")
		}
		for _, release := range append(slow[1:], release) {
			release()
		}
		s.listings.tidy(time.Now())
		if s.listings.last != all {
			t.Error("a copy is dropped that was just made")
		}
		s.listings.tidy(time.Now().Add(listingAge + 1))
		if s.listings.last != nil || s.listings.read != 0 {
			t.Errorf("%d copies are kept", s.listings.read)
		}
	})
}

// Only so many lists are sent at once; watches that need none go on.
func TestListsAreBounded(t *testing.T) {
	s := startServer(t)
	var leave func()
	for range maxLists {
		var ok bool
		if leave, ok = s.lists.admit(origin(nil)); !ok {
			t.Fatal("lists are refused too early")
		}
	}
	raw := rawTalk(t, newHost(t), s)
	list := &pb.DirectoryRequest{Body: &pb.DirectoryRequest_List{List: &pb.DirectoryList{}}}
	for _, req := range []*pb.DirectoryRequest{list, watchRequest(0, 0)} {
		resp := raw.asks(t, req)
		if code(resp) != pb.DirectoryErrorCode_DIRECTORY_ERROR_BUSY || resp.GetError().GetRetryMs() == 0 {
			t.Errorf("a list too many: %v", resp)
		}
	}
	if s.counts.busy.Load() != 2 {
		t.Errorf("%d are counted", s.counts.busy.Load())
	}
	s.changes()
	if resp := rawTalk(t, newHost(t), s).asks(t, watchRequest(s.epoch, 0)); resp.GetChange() == nil {
		t.Errorf("a watch that needs no list gets %v", resp)
	}
	leave()
	for range 2 { // one after the other
		if resp := raw.asks(t, list); !resp.GetPage().GetLast() {
			t.Fatalf("when there is room: %v", resp)
		}
	}
}
