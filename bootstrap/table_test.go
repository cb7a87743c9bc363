package bootstrap

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func claimOf(id peer.ID, name string, seq uint64) *claim {
	key, err := keyOf(name)
	if err != nil {
		panic(err)
	}
	return &claim{
		particulars: &particulars{addrs: []ma.Multiaddr{ma.StringCast("/ip4/127.0.0.1/tcp/1")}},
		name:        name, key: key, peer: id, seq: seq, found: true, expires: math.MaxUint32,
		sealed: fmt.Sprintf("%s %s %d", id, name, seq),
	}
}

func gone(c *claim) *claim {
	other := *c
	other.removed = true
	return &other
}

func testTable() *table { return newTable(time.Minute, Limits{}.withDefaults()) }

func TestTableGrant(t *testing.T) {
	type step struct {
		at    time.Duration
		claim *claim
		want  error
	}
	a, b := peer.ID("a"), peer.ID("b")
	for name, steps := range map[string][]step{
		"a name goes to the first": {
			{0, claimOf(a, "alice", 1), nil},
			{1, claimOf(b, "Alice", 9), ErrNameTaken},
		},
		"and to the next when the lease has ended": {
			{0, claimOf(a, "alice", 1), nil},
			{time.Minute - 1, claimOf(b, "alice", 9), ErrNameTaken},
			{time.Minute, claimOf(b, "alice", 9), nil},
			{time.Minute, claimOf(a, "alice", 2), ErrNameTaken},
		},
		"the owner registers again": {
			{0, claimOf(a, "alice", 1), nil},
			{30 * time.Second, claimOf(a, "ALICE", 2), nil},
			{80 * time.Second, claimOf(b, "alice", 1), ErrNameTaken},
		},
		"the same claim again renews": {
			{0, claimOf(a, "alice", 1), nil},
			{30 * time.Second, claimOf(a, "alice", 1), nil},
			{80 * time.Second, claimOf(b, "alice", 1), ErrNameTaken},
		},
		"an older claim is a replay": {
			{0, claimOf(a, "alice", 5), nil},
			{1, claimOf(a, "alice", 4), ErrStale},
			{1, claimOf(a, "Alice", 5), ErrStale}, // the same number, another claim
		},
		"a removal frees the name": {
			{0, claimOf(a, "alice", 1), nil},
			{1, gone(claimOf(a, "alice", 2)), nil},
			{1, claimOf(b, "alice", 1), nil},
		},
		"an older removal is a replay": {
			{0, claimOf(a, "alice", 5), nil},
			{1, gone(claimOf(a, "alice", 5)), ErrStale},
		},
		"only the owner removes": {
			{0, claimOf(a, "alice", 1), nil},
			{1, gone(claimOf(b, "alice", 9)), ErrNotOwner},
			{1, gone(claimOf(b, "bob", 9)), ErrNotRegistered},
			{1, gone(claimOf(b, "", 9)), ErrNotRegistered},
		},
		"nobody's name can be had by many": {
			{0, claimOf(a, "", 1), nil},
			{0, claimOf(b, "", 1), nil},
		},
	} {
		t.Run(name, func(t *testing.T) {
			table := testTable()
			for i, s := range steps {
				var err error
				if s.claim.removed {
					_, _, err = table.remove(t0.Add(s.at), s.claim)
				} else {
					_, _, _, err = table.grant(t0.Add(s.at), s.claim, manner{})
				}
				if !errors.Is(err, s.want) {
					t.Fatalf("step %d: %v, want %v", i, err, s.want)
				}
				if err := table.check(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestTableTakenSaysByWhomAndUntilWhen(t *testing.T) {
	table := testTable()
	table.grant(t0, claimOf("a", "alice", 1), manner{})
	_, _, _, err := table.grant(t0.Add(time.Second), claimOf("b", "alice", 1), manner{})
	var taken *NameTakenError
	if !errors.As(err, &taken) || taken.Owner != "a" || taken.Until.Sub(t0.Add(time.Minute)).Abs() > time.Second {
		t.Fatalf("%v", err)
	}
}

func TestTableLimits(t *testing.T) {
	table := newTable(time.Minute, Limits{Registrations: 3, RegistrationsPerPeer: 2}.withDefaults())
	for i, want := range []error{nil, nil, ErrFull} {
		if _, _, _, err := table.grant(t0, claimOf("a", fmt.Sprint("name-", i), 1), manner{}); !errors.Is(err, want) {
			t.Fatalf("name %d of one peer: %v", i, err)
		}
	}
	for i, want := range []error{nil, ErrFull} {
		if _, _, _, err := table.grant(t0, claimOf(peer.ID(fmt.Sprint("b", i)), "", 1), manner{}); !errors.Is(err, want) {
			t.Fatalf("peer %d: %v", i, err)
		}
	}
	// Live leases are not evicted, and can still be renewed and replaced.
	if _, _, _, err := table.grant(t0, claimOf("a", "name-0", 2), manner{}); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := table.grant(t0.Add(time.Minute), claimOf("c", "", 1), manner{}); err != nil {
		t.Fatalf("after the leases ended: %v", err)
	}
}

func TestTableChanges(t *testing.T) {
	table := testTable()
	var got []ChangeKind
	note := func(changes []change) {
		for _, c := range changes {
			got = append(got, c.kind)
		}
	}
	expect := func(want ...ChangeKind) {
		t.Helper()
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("changes %v, want %v", got, want)
		}
		got = nil
	}
	grant := func(c *claim, at time.Duration) {
		_, changes, _, err := table.grant(t0.Add(at), c, manner{})
		if err != nil {
			t.Fatal(err)
		}
		note(changes)
	}
	renew := func(at time.Duration) {
		changes, err := table.renew(t0.Add(at), leaseID{"a", "alice"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		note(changes)
	}
	grant(claimOf("a", "alice", 1), 0)
	expect(Joined)
	grant(claimOf("a", "alice", 1), 1)
	renew(2)
	expect()
	note(table.presence(t0.Add(3), "a", false))
	note(table.presence(t0.Add(3), "a", false))
	expect(Away)
	renew(4)
	expect(Updated)
	grant(claimOf("a", "alice", 2), 5)
	expect(Updated)
	note(table.presence(t0.Add(6), "a", false))
	note(table.presence(t0.Add(6), "a", true))
	expect(Away, Updated)
	note(table.expire(t0.Add(5 + time.Minute)))
	expect(Expired)
	if _, err := table.renew(t0.Add(2*time.Minute), leaseID{"a", "alice"}, nil); !errors.Is(err, ErrNotRegistered) {
		t.Fatalf("renew what has expired: %v", err)
	}
	table.restore(t0.Add(2*time.Minute), claimOf("a", "alice", 2), manner{}, t0)
	renew(2*time.Minute + 1)
	expect(Updated) // it was away until then
	_, _, err := table.remove(t0.Add(2*time.Minute+2), gone(claimOf("a", "alice", 3)))
	if err != nil {
		t.Fatal(err)
	}
}
