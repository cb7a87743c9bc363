package federation

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

func TestOneServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet(1)
		a := newServer(t, 1)
		a.start(t, net)
		alice, bob := owner(t, 1), owner(t, 2)
		fresh, err := a.Claim(t.Context(), claimOf(alice, "alice", 1))
		if err != nil || !fresh {
			t.Fatalf("claim: %v %v", fresh, err)
		}
		var taken *names.TakenError
		if _, err := a.Claim(t.Context(), claimOf(bob, "alice", 1)); !errors.As(err, &taken) || taken.Owner != alice {
			t.Fatalf("claim of a name that is taken: %v", err)
		}
		a.stop(t)
		a.start(t, net)
		if h, held := a.Owner("alice"); !held || h.Owner != alice {
			t.Fatalf("after a restart: %v %v", h, held)
		}
		if err := a.Remove(t.Context(), names.Removal{Key: "alice", Owner: alice, Seq: 2}); err != nil {
			t.Fatal(err)
		}
		a.stop(t)
		if _, err := a.Claim(context.Background(), claimOf(alice, "alice", 3)); !errors.Is(err, ErrClosed) {
			t.Fatalf("claim after Close: %v", err)
		}
	})
}

func TestGrowAndShrink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet(1)
		net.slow(10 * time.Millisecond)
		a, b, c := newServer(t, 1), newServer(t, 2), newServer(t, 3)
		a.start(t, net)
		b.start(t, net, a)
		c.start(t, net, a)
		alice := owner(t, 1)
		if _, err := b.Claim(t.Context(), claimOf(alice, "early", 1)); !errors.Is(err, ErrNotMember) {
			t.Fatalf("claim at a server that waits: %v", err)
		}
		if err := a.AddServer(t.Context(), b.info()); err != nil {
			t.Fatal(err)
		}
		if err := b.AddServer(t.Context(), c.info()); err != nil { // who is no fellow of c
			t.Fatal(err)
		}
		for i, s := range []*server{a, b, c} {
			name := string(rune('a' + i))
			if _, err := s.Claim(t.Context(), claimOf(alice, name, 1)); err != nil {
				t.Fatalf("claim at %d: %v", i, err)
			}
		}
		status := c.Status(t.Context())
		if len(status.Members) != 3 || !status.Majority || status.Leader == "" {
			t.Fatalf("status: %+v", status)
		}
		for _, m := range status.Members {
			if !m.Voter || !m.Answers {
				t.Errorf("member: %+v", m)
			}
		}
		if err := a.RemoveServer(t.Context(), a.id); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Claim(t.Context(), claimOf(alice, "d", 1)); err != nil {
			t.Fatalf("claim after one left: %v", err)
		}
		elapse(10 * time.Second)
		if _, err := a.Claim(t.Context(), claimOf(alice, "e", 1)); !errors.Is(err, ErrNotMember) {
			t.Fatalf("claim at a removed server: %v", err)
		}
		if err := b.RemoveServer(t.Context(), c.id); err != nil {
			t.Fatal(err)
		}
		if _, err := b.Claim(t.Context(), claimOf(alice, "f", 1)); err != nil {
			t.Fatalf("claim at the last: %v", err)
		}
		if err := b.RemoveServer(t.Context(), b.id); !errors.Is(err, errLastServer) {
			t.Fatalf("remove the last: %v", err)
		}
	})
}

// TestLeaderMoves starts the only server elsewhere: nobody but itself can note that.
func TestLeaderMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := newMemNet(1)
		a := newServer(t, 1)
		start := func(addr string) {
			t.Helper()
			config := a.config(net)
			config.Addrs = func() []ma.Multiaddr { return []ma.Multiaddr{ma.StringCast(addr)} }
			a.startWith(t, config)
		}
		for _, addr := range []string{"/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/2"} {
			start(addr)
			elapse(10 * time.Second)
			members := a.Status(t.Context()).Members
			if len(members) != 1 || len(members[0].Peer.Addrs) != 1 || members[0].Peer.Addrs[0].String() != addr {
				t.Errorf("members at %s: %v", addr, members)
			}
			a.stop(t)
		}
	})
}

// Word of where a server is reached now, or that it lost its disk, which comes when it was
// just removed, does not make it a member again.
func TestRemovedServerMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, all := three(t)
		gone, err := all[2].signed(all[0].federation())
		if err != nil {
			t.Fatal(err)
		}
		if err := all[0].RemoveServer(t.Context(), all[2].id); err != nil {
			t.Fatal(err)
		}
		for _, s := range all[:2] {
			s.readdress(gone)
		}
		if _, err := all[0].begin(change{member: gone, back: true}); !errors.Is(err, ErrNotMember) {
			t.Errorf("it is taken back: %v", err)
		}
		elapse(time.Second)
		if s := all[0].Status(t.Context()); len(s.Members) != 2 {
			t.Errorf("members: %+v", s.Members)
		}
	})
}
