package federation

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
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

// A server that is being closed removes none, for it cannot ask whether the others answer.
func TestClosedWhileItRemoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		elapse(5 * time.Second)
		net.kill(all[2].id)
		all[2].stop(t)
		set := func(closed bool) {
			all[0].mu.Lock()
			defer all[0].mu.Unlock()
			all[0].closed = closed
		}
		set(true)
		err := all[0].carryOutRemoval(t.Context(), all[1].id)
		set(false)
		if !errors.Is(err, ErrClosed) {
			t.Errorf("%v", err)
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

// A member that was away, and finds of its fellows only who came since, says that it was
// removed, counts itself no more, and can be removed again to no effect, and added.
func TestRemovedWhileAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		away, late := all[2], newServer(t, 4)
		net.kill(away.id)
		away.stop(t)
		late.start(t, net, all[0])
		if err := all[0].AddServer(t.Context(), late.info()); err != nil {
			t.Fatal(err)
		}
		for _, s := range []*server{away, all[1], all[0]} {
			if err := late.RemoveServer(t.Context(), s.id); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range all[:2] {
			net.kill(s.id)
			s.stop(t)
		}
		away.start(t, net, late)
		elapse(10 * time.Second)
		if _, err := away.Claim(t.Context(), claimOf(owner(t, 1), "alice", 1)); !errors.Is(err, ErrNotMember) {
			t.Errorf("claim: %v", err)
		}
		for _, m := range away.Status(t.Context()).Members {
			if m.Self {
				t.Errorf("it counts itself: %+v", m)
			}
		}
		if err := away.RemoveServer(t.Context(), away.id); err != nil {
			t.Errorf("removed again: %v", err)
		}
		if err := late.AddServer(t.Context(), away.info()); err != nil {
			t.Errorf("added again: %v", err)
		}
		elapse(time.Second)
		if _, err := away.Claim(t.Context(), claimOf(owner(t, 1), "alice", 1)); err != nil {
			t.Errorf("claim when it is back: %v", err)
		}
		if s := away.Status(t.Context()); len(s.Members) != 2 || !s.Majority {
			t.Errorf("status when it is back: %+v", s)
		}
	})
}

// A server that is led, and knocks as when it has moved, does not believe a fellow that it
// was removed.
func TestFalselyRemoved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		liar := newServer(t, 4)
		listener, err := net.at(liar.id).Listen(wire.Federation)
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
		lies := 0
		go func() {
			for {
				c, err := listener.Accept()
				if err != nil {
					return
				}
				lies++
				_ = wire.ReadFrame(unbuffered{c}, maxRequest, &pb.FederationRequest{})
				_ = wire.WriteFrame(c, maxResponse, &pb.FederationResponse{Body: &pb.FederationResponse_Refusal{
					Refusal: all[0].refusal(ErrNotMember),
				}})
				_ = c.Close()
			}
		}()
		led := all[2]
		led.mu.Lock()
		led.told[liar.id] = liar.info()
		led.mu.Unlock()
		led.knock(t.Context())
		if err := led.grants(); err != nil || lies == 0 {
			t.Errorf("after %d lies: %v", lies, err)
		}
		if _, err := led.Claim(t.Context(), claimOf(owner(t, 1), "alice", 1)); err != nil {
			t.Error(err)
		}
	})
}
