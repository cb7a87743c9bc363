package federation

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/names"
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

// claimToKeep claims a name for good, and waits until all have heard of it.
func claimToKeep(t *testing.T, s *server, owner peer.ID, name string) {
	t.Helper()
	claim := claimOf(owner, name, 1)
	claim.Term = keepTerm
	if _, err := s.Claim(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	elapse(time.Second)
}

// Without a majority there is a clear refusal, soon, and at once when it is known;
// what is known is still told; and all goes on when the others are back.
func TestNoMajority(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net, all := three(t)
		alice := owner(t, 1)
		claimToKeep(t, all[0], alice, "alice")
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
