package federation

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A member that lost its disk is taken back by itself, and gets all there is.
func TestLostDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		alice := owner(t, 1)
		claimToKeep(t, all[0], alice, "alice")
		before := all[0].self.incarnation
		net.kill(all[0].id)
		all[0].stop(t)
		all[0].stores = MemoryStores()
		all[0].start(t, net, all[1], all[2])
		net.slow(50 * time.Millisecond)
		for range 150 {
			elapse(100 * time.Millisecond)
			all[0].Status(t.Context())
		}
		if _, asked := all[0].heard[all[0].id]; asked {
			t.Error("it asked itself")
		}
		if all[0].self.incarnation == before {
			t.Error("it is the same incarnation")
		}
		status := all[0].Status(t.Context())
		if len(status.Members) != 3 || !status.Majority {
			t.Errorf("status: %+v", status)
		}
		for _, m := range status.Members {
			if !m.Voter || !m.Answers {
				t.Errorf("member: %+v", m)
			}
		}
		if _, err := all[0].Claim(t.Context(), claimOf(alice, "bob", 1)); err != nil {
			t.Error(err)
		}
		if _, held := all[0].Owner("alice"); !held {
			t.Error("it does not know what it knew")
		}
	})
}

// A member that lost its disk, and was given fellows that are all gone by now, is taken
// back too: those who lead after them still greet it as what it was. So is one that was
// let in before, and not admitted in the end.
func TestLostDiskAndFellows(t *testing.T) {
	for _, letIn := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			net, all := three(t)
			net.kill(all[0].id)
			all[0].stop(t)
			all[0].stores = MemoryStores()
			if letIn {
				if err := all[0].stores.stable.Set(federationKey, []byte(all[1].federation())); err != nil {
					t.Fatal(err)
				}
			}
			all[0].start(t, net, newServer(t, 4), newServer(t, 5))
			elapse(15 * time.Second)
			if _, err := all[0].Claim(t.Context(), claimOf(owner(t, 1), "alice", 1)); err != nil {
				t.Errorf("let in before: %v; claim: %v", letIn, err)
			}
			if s := all[1].Status(t.Context()); len(s.Members) != 3 {
				t.Errorf("status: %+v", s)
			}
			all[0].mu.Lock()
			defer all[0].mu.Unlock()
			if all[0].greeted.by != "" {
				t.Error("it still thinks to be greeted as what it was")
			}
		})
	}
}

// A member that lost its disk and was given no fellows begins a federation of its
// own; as soon as a member speaks with it, it grants nothing more and says why, also
// after another restart. A stranger cannot make it do so.
func TestRival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		net.kill(all[0].id)
		all[0].stop(t)
		all[0].stores = MemoryStores()
		all[0].start(t, net)
		elapse(10 * time.Second)
		for range 2 {
			_, err := all[0].Claim(t.Context(), claimOf(owner(t, 1), "alice", 1))
			if !errors.Is(err, ErrNotMember) || !strings.Contains(err.Error(), "another federation") {
				t.Errorf("claim: %v", err)
			}
			if s := all[0].Status(t.Context()); s.State != "stopped" || s.Majority || s.Leader != "" {
				t.Errorf("status: %+v", s)
			}
			all[0].stop(t)
			all[0].start(t, net)
		}
		if _, err := all[1].Claim(t.Context(), claimOf(owner(t, 1), "alice", 1)); err != nil {
			t.Errorf("claim at the others: %v", err)
		}
	})
}
