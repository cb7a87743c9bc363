package names

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
)

// ownerID is a peer ID that a seed determines.
func ownerID(t testing.TB, n int) peer.ID {
	t.Helper()
	seed := sha256.Sum256(fmt.Appendf(nil, "owner %d", n))
	key, _, err := crypto.GenerateEd25519Key(bytes.NewReader(seed[:]))
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func claimFor(owner peer.ID, name string, seq uint64) Claim {
	return Claim{
		Key: name, Skeleton: "like " + name[:1], Name: name, Owner: owner, Seq: seq,
		MaxPerOwner: 3, MaxNames: 5, Term: time.Hour, Reserve: time.Hour,
	}
}

// TestApply tells a story, command by command.
func TestApply(t *testing.T) {
	alice, bob := ownerID(t, 1), ownerID(t, 2)
	ends := func(at time.Duration) time.Duration { return at + 2*time.Hour }
	s := New()
	for i, c := range []struct {
		at      time.Duration
		command Command
		outcome Outcome
		changed []ChangeKind
	}{
		{0, claimFor(alice, "alice", 1), Outcome{Kind: Granted, Fresh: true}, []ChangeKind{Gained}},
		{0, claimFor(alice, "alice", 1), Outcome{Kind: Granted}, nil},
		{1, claimFor(bob, "alice", 1), Outcome{Kind: Taken, Owner: alice, Name: "alice", Left: ends(0) - 1}, nil},
		{1, claimFor(bob, "a1ice", 1), Outcome{Kind: Taken, Owner: alice, Name: "alice", Left: ends(0) - 1, Alike: true}, nil},
		{1, claimFor(alice, "alice", 3), Outcome{Kind: Granted}, []ChangeKind{Updated}},
		{1, claimFor(alice, "alice", 2), Outcome{Kind: Stale, Seq: 3}, nil},
		{2, Removal{"alice", bob, 9}, Outcome{Kind: NotOwner, Owner: alice}, nil},
		{2, Removal{"alice", alice, 3}, Outcome{Kind: Stale, Seq: 3}, nil},
		{2, Removal{"alice", alice, 4}, Outcome{Kind: Removed}, []ChangeKind{GivenUp}},
		{2, Removal{"alice", alice, 4}, Outcome{Kind: Removed}, nil},
		{2, Removal{"alice", alice, 5}, Outcome{Kind: NotRegistered}, nil},
		{2, claimFor(alice, "alice", 5), Outcome{Kind: Stale, Seq: 5}, nil},
		{2, claimFor(bob, "alice", 9), Outcome{Kind: Stale, Seq: 9}, nil},
		{3, claimFor(bob, "alice", 10), Outcome{Kind: Granted, Fresh: true}, []ChangeKind{Gained}},
		{3, claimFor(alice, "alice", 6), Outcome{Kind: Taken, Owner: bob, Name: "alice", Left: 2 * time.Hour}, nil},
		{time.Hour, Renew{time.Hour, 0, []Renewal{{"alice", alice}, {"alice", bob}, {"carol", bob}}}, Outcome{Kind: Renewed, Lost: []int{0, 2}}, nil},
		{ends(3) - 1, Tick{}, Outcome{Kind: Ticked}, nil}, // the renewal cut nothing short
		{time.Hour, Tick{}, Outcome{Kind: Ticked}, nil},   // time does not go back
		{ends(3), claimFor(alice, "alice", 6), Outcome{Kind: Granted, Fresh: true}, []ChangeKind{Ended, Gained}},
		{ends(3), claimFor(alice, "b", 1), Outcome{Kind: Granted, Fresh: true}, []ChangeKind{Gained}},
		{ends(3), claimFor(alice, "c", 1), Outcome{Kind: Granted, Fresh: true}, []ChangeKind{Gained}},
		{ends(3), claimFor(alice, "d", 1), Outcome{Kind: Full, Limit: 3, PerOwner: true}, nil},
		{ends(3), claimFor(bob, "d", 1), Outcome{Kind: Granted, Fresh: true}, []ChangeKind{Gained}},
		{ends(3), claimFor(bob, "e", 1), Outcome{Kind: Granted, Fresh: true}, []ChangeKind{Gained}},
		{ends(3), claimFor(bob, "f", 1), Outcome{Kind: Full, Limit: 5}, nil},
		{-1, Tick{}, Outcome{Kind: Malformed}, nil},
		{0, Claim{}, Outcome{Kind: Malformed}, nil},
	} {
		outcome, changes := s.Apply(c.at, c.command)
		if !reflect.DeepEqual(outcome, c.outcome) {
			t.Errorf("%d: %+v at %s: %+v, want %+v", i, c.command, c.at, outcome, c.outcome)
		}
		var kinds []ChangeKind
		for _, change := range changes {
			kinds = append(kinds, change.Kind)
		}
		if !reflect.DeepEqual(kinds, c.changed) {
			t.Errorf("%d: %+v at %s: changes %v, want %v", i, c.command, c.at, kinds, c.changed)
		}
		if err := s.check(); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
	}
}

// A removal is forgotten after a day and more, and when there are too many.
func TestRemovalsAreForgotten(t *testing.T) {
	alice := ownerID(t, 1)
	s := New()
	s.Apply(0, Removal{"alice", alice, 2})
	if o, _ := s.Apply(removalAge-1, claimFor(alice, "alice", 1)); o.Kind != Stale {
		t.Errorf("within a day: %+v", o)
	}
	if o, _ := s.Apply(removalAge, claimFor(alice, "alice", 1)); o.Kind != Granted {
		t.Errorf("after a day: %+v", o)
	}
	for i := range 2*maxRemovals + 10 {
		s.Apply(removalAge, Removal{fmt.Sprint(i), alice, 1})
	}
	if n := len(s.removals.last); n != maxRemovals {
		t.Errorf("%d are remembered", n)
	}
	if err := s.check(); err != nil {
		t.Error(err)
	}
}

func TestOutcomeErrors(t *testing.T) {
	alice := ownerID(t, 1)
	for _, c := range []struct {
		outcome Outcome
		want    error
	}{
		{Outcome{Kind: Granted}, nil},
		{Outcome{Kind: Removed}, nil},
		{Outcome{Kind: Renewed, Lost: []int{1}}, nil},
		{Outcome{Kind: Taken, Owner: alice, Name: "alice"}, ErrTaken},
		{Outcome{Kind: Taken, Owner: alice, Name: "alice", Alike: true}, ErrTaken},
		{Outcome{Kind: Stale, Seq: 3}, ErrStale},
		{Outcome{Kind: Full, Limit: 3}, ErrFull},
		{Outcome{Kind: NotOwner, Owner: alice}, ErrNotOwner},
		{Outcome{Kind: NotRegistered}, ErrNotRegistered},
		{Outcome{Kind: Malformed}, ErrMalformed},
	} {
		if err := c.outcome.Err(); !errors.Is(err, c.want) || (err == nil) != (c.want == nil) {
			t.Errorf("%+v: %v", c.outcome, err)
		}
		back, err := OutcomeOf(c.outcome.Proto())
		if err != nil || !reflect.DeepEqual(back, c.outcome) {
			t.Errorf("%+v came back as %+v, %v", c.outcome, back, err)
		}
	}
}
