package federation

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What an addition failed with, which nobody waited for, is told neither to who removes
// the server just then nor to who adds it later.
func TestFailureIsNotToldLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		addInVain := func(s *server, after time.Duration) {
			consentAndGo(t, s, all[0])
			elapse(after)
		}
		lost, late := all[2], newServer(t, 4)
		net.kill(lost.id)
		lost.stop(t)
		lost.stores = MemoryStores()
		addInVain(lost, testTiming.Change)
		if err := all[0].RemoveServer(t.Context(), lost.id); err != nil {
			t.Errorf("removal of who was not taken back: %v", err)
		}
		addInVain(late, 2*testTiming.Change)
		late.start(t, net, all[0])
		if err := all[0].AddServer(t.Context(), late.info()); err != nil {
			t.Errorf("addition when it is there: %v", err)
		}
	})
}

// A server that lost its disk while another change was under way is taken back when that
// has ended, however often it knocked before.
func TestLostDiskDuringAChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		consentAndGo(t, newServer(t, 4), all[0]) // it is waited for, for Timing.Change
		elapse(testTiming.Change - replaceInterval/2)
		net.kill(all[2].id)
		all[2].stop(t)
		all[2].stores = MemoryStores()
		all[2].start(t, net, all[0], all[1])
		elapse(replaceInterval/2 + 3*testTiming.Knock)
		if err := all[2].grants(); err != nil {
			t.Errorf("it is not taken back: %v", err)
		}
	})
}

// consentAndGo begins to add a server that consented with its store, and does not run.
func consentAndGo(t *testing.T, s, leader *server) {
	t.Helper()
	m := member{peer: s.id}
	var err error
	if m.incarnation, err = s.stores.incarnation(); err != nil {
		t.Fatal(err)
	}
	if m.consent, err = s.key.Sign(consentText("test", leader.federation(), m.incarnation)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if err := leader.drive(ctx, change{member: m}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("addition of who is not there: %v", err)
	}
}
