package federation

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A leader that is to be removed hands over to a server that answers, not to the one of
// which raft knows as much, or more: the one that was there before the others.
func TestRemoveLeaderBesideASilentServer(t *testing.T) {
	for silent := 1; silent < 4; silent++ {
		synctest.Test(t, func(t *testing.T) {
			net, all := three(t)
			all = append(all, newServer(t, 4))
			all[3].start(t, net, all[0])
			if err := all[0].AddServer(t.Context(), all[3].info()); err != nil {
				t.Fatal(err)
			}
			elapse(5 * time.Second)
			net.kill(all[silent].id)
			all[silent].stop(t)
			if err := all[1+silent%3].RemoveServer(t.Context(), all[0].id); err != nil {
				t.Errorf("with server %d silent: %v", silent, err)
			}
		})
	}
}

// What is handed over while the server is closed ends, though raft may never answer.
func TestClosedWhileItHandsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, all := three(t)
		for _, s := range all {
			s.stop(t)
		}
		for range 20 { // whether raft takes it up is a matter of chance
			if err := all[0].handOver(t.Context(), Member{Peer: all[1].info()}); err != nil {
				t.Error(err)
			}
		}
	})
}

// A server that answers is not removed when too few would be left that do; a silent one
// is, and then the other.
func TestRemovalKeepsAMajority(t *testing.T) {
	for who := range 2 { // the leader, and a follower
		synctest.Test(t, func(t *testing.T) {
			net, all := three(t)
			elapse(5 * time.Second)
			net.kill(all[2].id)
			all[2].stop(t)
			err := all[1].RemoveServer(t.Context(), all[who].id)
			if err == nil || !strings.Contains(err.Error(), "1 of 2 servers would answer") {
				t.Errorf("removal of server %d: %v", who, err)
			}
			elapse(5 * time.Second)
			if _, err := all[1-who].Claim(t.Context(), claimOf(owner(t, 1), "alice", 1)); err != nil {
				t.Errorf("claim: %v", err)
			}
			for _, gone := range []*server{all[2], all[who]} {
				if err := all[1-who].RemoveServer(t.Context(), gone.id); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := all[1-who].Claim(t.Context(), claimOf(owner(t, 1), "alice", 2)); err != nil {
				t.Errorf("claim at the last: %v", err)
			}
		})
	}
}
