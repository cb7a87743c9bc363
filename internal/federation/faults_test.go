package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/names"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// three returns a federation of three servers on a network.
func three(t *testing.T) (*memNet, []*server) {
	t.Helper()
	net := newMemNet(1)
	all := []*server{newServer(t, 1), newServer(t, 2), newServer(t, 3)}
	all[0].start(t, net)
	for _, s := range all[1:] {
		s.start(t, net, all[0])
		if err := all[0].AddServer(t.Context(), s.info()); err != nil {
			t.Fatal(err)
		}
	}
	return net, all
}

// Without a majority there is a clear refusal, soon, and at once when it is known;
// what is known is still told; and all goes on when the others are back.
func TestNoMajority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		alice := owner(t, 1)
		claim := claimOf(alice, "alice", 1)
		claim.Term = keepTerm
		if _, err := all[0].Claim(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		elapse(time.Second) // until all have heard of it
		for _, s := range all[:2] {
			net.kill(s.id)
			s.stop(t)
		}
		for _, atMost := range []time.Duration{testTiming.Request, time.Millisecond} {
			began := time.Now()
			_, err := all[2].Claim(t.Context(), claimOf(alice, "bob", 1))
			var refused *NoMajorityError
			if !errors.As(err, &refused) || refused.Answering != 1 || refused.Members != 3 {
				t.Errorf("claim at the last of three: %v", err)
			}
			if took := time.Since(began); took > atMost {
				t.Errorf("refused after %s", took)
			}
			elapse(5 * testTiming.Request)
		}
		if h, held := all[2].Owner("alice"); !held || h.Owner != alice {
			t.Errorf("what is known is not told: %+v", h)
		}
		kept := all[0].stores
		all[0].stores = MemoryStores()
		all[0].start(t, net, all[2])
		elapse(5 * time.Second)
		_, err := all[2].Claim(t.Context(), claimOf(alice, "bob", 1))
		var refused *NoMajorityError
		if !errors.As(err, &refused) || refused.Answering != 1 {
			t.Errorf("claim, where a second has lost its disk: %v", err)
		}
		all[0].stop(t)
		all[0].stores = kept
		all[0].start(t, net)
		elapse(5 * time.Second)
		if _, err := all[2].Claim(t.Context(), claimOf(alice, "bob", 1)); err != nil {
			t.Errorf("claim when two are back: %v", err)
		}
		all[1].start(t, net)
	})
}

// A member that lost its disk is taken back by itself, and gets all there is.
func TestLostDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		alice := owner(t, 1)
		claim := claimOf(alice, "alice", 1)
		claim.Term = keepTerm
		if _, err := all[0].Claim(t.Context(), claim); err != nil {
			t.Fatal(err)
		}
		elapse(time.Second) // until all have heard of it
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

// A server that nobody asked for is not admitted, and one that knows no fellow of the
// kind does not consent.
func TestStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet(1)
		a, b, c := newServer(t, 1), newServer(t, 2), newServer(t, 3)
		a.start(t, net)
		b.start(t, net, a)
		c.start(t, net)
		elapse(time.Minute)
		if s := b.Status(t.Context()); s.State != "waiting" {
			t.Errorf("status: %+v", s)
		}
		if err := b.AddServer(t.Context(), c.info()); !errors.Is(err, ErrNotMember) {
			t.Errorf("b, which waits itself, adds another: %v", err)
		}
		if err := c.AddServer(t.Context(), b.info()); err == nil {
			t.Error("b let a stranger add it")
		}
		if err := a.AddServer(t.Context(), c.info()); err == nil {
			t.Error("c, which leads a federation of its own, was added")
		}
	})
}

// Changes are told in order, at every server, and names end when nobody renews them.
func TestChangesAndEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet(1)
		s := newServer(t, 1)
		var kinds []names.ChangeKind
		config := s.config(net)
		config.Changed = func(changes []names.Change) {
			for _, c := range changes {
				kinds = append(kinds, c.Kind)
			}
		}
		s.startWith(t, config)
		alice := owner(t, 1)
		for i := range uint64(2) {
			if _, err := s.Claim(t.Context(), claimOf(alice, "alice", i+1)); err != nil {
				t.Fatal(err)
			}
		}
		elapse(5 * time.Second)
		lost, err := s.Renew(t.Context(), []names.Renewal{{Key: "alice", Owner: alice}, {Key: "bob", Owner: alice}})
		if err != nil || len(lost) != 1 || lost[0].Key != "bob" {
			t.Fatalf("renew: %v %v", lost, err)
		}
		elapse(5 * time.Second)
		if _, held := s.Owner("alice"); !held {
			t.Error("a renewed name is free")
		}
		elapse(5 * time.Second)
		if _, held := s.Owner("alice"); held || s.machine.len() != 0 {
			t.Error("a name that is not renewed is still held")
		}
		s.stop(t)
		want := []names.ChangeKind{names.Gained, names.Updated, names.Ended}
		if fmt.Sprint(kinds) != fmt.Sprint(want) {
			t.Errorf("changes %v, want %v", kinds, want)
		}
	})
}

// A server that comes late gets a snapshot, for the log was trimmed, and the log
// stays short.
func TestSnapshot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet(1)
		a, b := newServer(t, 1), newServer(t, 2)
		a.start(t, net)
		alice := owner(t, 1)
		for i := range 2 * snapshotThreshold {
			if _, err := a.Claim(context.Background(), claimOf(alice, "alice", uint64(i+1))); err != nil {
				t.Fatal(err)
			}
		}
		elapse(3 * snapshotInterval)
		first, err := a.stores.logs.FirstIndex()
		if err != nil || first < snapshotThreshold {
			t.Errorf("the log begins at %d, %v", first, err)
		}
		if _, err := a.Claim(t.Context(), claimOf(alice, "alice", 2*snapshotThreshold+1)); err != nil {
			t.Fatal(err)
		}
		b.start(t, net, a)
		if err := a.AddServer(t.Context(), b.info()); err != nil {
			t.Fatal(err)
		}
		if h, held := b.Owner("alice"); !held || h.Seq != 2*snapshotThreshold+1 {
			t.Errorf("the new server knows %+v", h)
		}
	})
}

// A server that is still to vote is not taken for the only one when it starts again.
func TestRestartBeforeItVotes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet(1)
		a, b := newServer(t, 1), newServer(t, 2)
		a.start(t, net)
		b.start(t, net, a)
		m, err := b.signed(a.federation())
		if err != nil {
			t.Fatal(err)
		}
		if err := a.raft.AddNonvoter(m.id(), m.address(), 0, 0).Error(); err != nil {
			t.Fatal(err)
		}
		for !b.admitted() {
			elapse(10 * time.Millisecond)
		}
		net.kill(b.id)
		b.stop(t)
		net.kill(a.id)
		a.stop(t)
		b.start(t, net, a)
		if b.alone() || b.Status(t.Context()).Majority {
			t.Error("it thinks to be the only one")
		}
		a.start(t, net)
		elapse(10 * time.Second)
		if s := a.Status(t.Context()); len(s.Members) != 2 || !s.Members[0].Voter || !s.Members[1].Voter {
			t.Errorf("its addition was not completed: %+v", s)
		}
	})
}

// A follower that was cut off knows of two servers, b and itself; meanwhile c came
// and b lost its disk. It votes for c, whom it does not know.
func TestVoteForTheUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet(1)
		a, b, c := newServer(t, 1), newServer(t, 2), newServer(t, 3)
		b.start(t, net)
		a.start(t, net, b)
		c.start(t, net, b)
		if err := b.AddServer(t.Context(), a.info()); err != nil {
			t.Fatal(err)
		}
		elapse(time.Second)
		// c catches up before a is cut off from the rest, and votes after it: that
		// needs b and c of the three.
		m, err := c.signed(b.federation())
		if err != nil {
			t.Fatal(err)
		}
		if err := b.raft.AddNonvoter(m.id(), m.address(), 0, 0).Error(); err != nil {
			t.Fatal(err)
		}
		elapse(100 * time.Millisecond)
		for _, s := range []*server{b, c} {
			net.cut(a.id, s.id)
			net.cut(s.id, a.id)
		}
		if err := b.letVote(m); err != nil {
			t.Fatal(err)
		}
		elapse(100 * time.Millisecond)
		net.kill(b.id)
		b.stop(t)
		b.stores = MemoryStores()
		net.heal()
		b.start(t, net, a, c)
		elapse(30 * time.Second)
		if _, err := a.Claim(t.Context(), claimOf(owner(t, 1), "alice", 1)); err != nil {
			t.Errorf("claim: %v", err)
		}
		if s := a.Status(t.Context()); len(s.Members) != 3 {
			t.Errorf("status: %+v", s)
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
