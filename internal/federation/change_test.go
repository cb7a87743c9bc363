package federation

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// What an addition failed with, which nobody waited for, is told neither to who removes
// the server nor to who adds it later.
func TestFailureIsNotToldLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		// addInVain begins to add a server that consented with its store, and is gone.
		addInVain := func(s *server) {
			m := member{peer: s.id}
			var err error
			if m.incarnation, err = s.stores.incarnation(); err != nil {
				t.Fatal(err)
			}
			if m.consent, err = s.key.Sign(consentText("test", all[0].federation(), m.incarnation)); err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := all[0].drive(ctx, change{member: m}); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("addition of who is not there: %v", err)
			}
			elapse(2 * testTiming.Change)
		}
		lost, late := all[2], newServer(t, 4)
		net.kill(lost.id)
		lost.stop(t)
		lost.stores = MemoryStores()
		addInVain(lost)
		if err := all[0].RemoveServer(t.Context(), lost.id); err != nil {
			t.Errorf("removal of who was not taken back: %v", err)
		}
		addInVain(late)
		late.start(t, net, all[0])
		if err := all[0].AddServer(t.Context(), late.info()); err != nil {
			t.Errorf("addition when it is there: %v", err)
		}
	})
}
