package bootstrap

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// crowdOf grants leases to peers, the i-th at the time that at says.
func crowdOf(t *testing.T, table *table, n int, at func(i int) time.Time) []peer.ID {
	t.Helper()
	ids := make([]peer.ID, n)
	for i := range ids {
		ids[i] = peer.ID(fmt.Sprint("peer", i))
		if _, _, _, err := table.grant(at(i), claimOf(ids[i], "", 1), manner{}); err != nil {
			t.Fatal(err)
		}
	}
	return ids
}

func count(changes []change, kind ChangeKind) int {
	n := 0
	for _, c := range changes {
		if c.kind == kind {
			n++
		}
	}
	return n
}

func TestServerDoubtsItself(t *testing.T) {
	for name, tt := range map[string]struct {
		peers, silent int // so many of them
		spared        bool
	}{
		"all of few":            {49, 49, false},
		"all of many":           {50, 50, true},
		"a third of many":       {300, 100, true},
		"just over 15 per cent": {200, 32, true},
		"15 per cent":           {200, 30, false},
		"some":                  {1000, 20, false},
	} {
		t.Run(name, func(t *testing.T) {
			table := testTable()
			ids := crowdOf(t, table, tt.peers, func(int) time.Time { return t0 })
			for _, id := range ids[tt.silent:] {
				if _, err := table.renew(t0.Add(50*time.Second), leaseID{peer: id}, nil); err != nil {
					t.Fatal(err)
				}
			}
			changes := table.expire(t0.Add(time.Minute))
			if spared := count(changes, Updated) == tt.silent; spared != tt.spared {
				t.Fatalf("%d are spared and %d end, of %d that are silent", count(changes, Updated), count(changes, Expired), tt.silent)
			}
			if !tt.spared {
				if n := count(changes, Expired); n != tt.silent || table.spared != 0 {
					t.Fatalf("%d end of %d", n, tt.silent)
				}
				return
			}
			for _, c := range changes {
				if !c.entry.unconfirmed || c.entry.expires != momentOf(t0.Add(2*time.Minute)) {
					t.Fatalf("spared as %+v", c.entry)
				}
			}
			// One is heard, the others are not spared again.
			changes, err := table.renew(t0.Add(70*time.Second), leaseID{peer: ids[0]}, nil)
			if err != nil || count(changes, Updated) != 1 || changes[0].entry.unconfirmed {
				t.Fatalf("renewed: %v, %v", changes, err)
			}
			for _, id := range ids[tt.silent:] {
				if _, err := table.renew(t0.Add(100*time.Second), leaseID{peer: id}, nil); err != nil {
					t.Fatal(err)
				}
			}
			if n := count(table.expire(t0.Add(2*time.Minute)), Expired); n != tt.silent-1 {
				t.Fatalf("%d of %d end after their second lease", n, tt.silent-1)
			}
			if err := table.check(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func TestServerDoubtsItselfBeforeTheFirstEnds(t *testing.T) {
	// Renewals come at all times, so leases would end one after the other.
	table := testTable()
	crowdOf(t, table, 200, func(i int) time.Time { return t0.Add(time.Duration(i) * 100 * time.Millisecond) })
	if changes := table.expire(t0.Add(time.Minute)); count(changes, Expired) != 0 || count(changes, Updated) < 60 {
		t.Fatalf("%d end, %d are spared", count(changes, Expired), count(changes, Updated))
	}
	if changes := table.expire(t0.Add(80 * time.Second)); count(changes, Expired) != 0 {
		t.Fatalf("%d end in their first lease", count(changes, Expired))
	}
}

func TestRestoredLeasesAreUnconfirmedForOneLease(t *testing.T) {
	table := testTable()
	for i := range 100 {
		table.restore(t0, claimOf(peer.ID(fmt.Sprint(i)), fmt.Sprint("name", i), 1), manner{}, t0.Add(-time.Hour))
	}
	for _, e := range table.list(t0) {
		if !e.unconfirmed || e.online || e.since != momentOf(t0.Add(-time.Hour)) {
			t.Fatalf("restored as %+v", e)
		}
	}
	if _, err := table.renew(t0.Add(time.Second), leaseID{"1", "name1"}, nil); err != nil {
		t.Fatal(err)
	}
	if n := count(table.expire(t0.Add(time.Minute)), Expired); n != 99 {
		t.Fatalf("%d of 99 end", n)
	}
}

func TestDetachedLeases(t *testing.T) {
	table := testTable()
	id := leaseID{"a", "alice"}
	if _, _, _, err := table.grant(t0, claimOf("a", "alice", 1), manner{detached: true}); err != nil {
		t.Fatal(err)
	}
	if changes := table.presence(t0, "a", false); len(changes) != 0 {
		t.Fatalf("a closed connection means %v", changes)
	}
	if e := table.find(id); !e.online || e.expires != momentOf(t0.Add(detachedLease)) {
		t.Fatalf("%+v", e)
	}
	if changes := table.expire(t0.Add(detachedLease - 1)); len(changes) != 0 {
		t.Fatal(changes)
	}
	_, changes, _, err := table.grant(t0.Add(time.Minute), claimOf("a", "alice", 1), manner{})
	if err != nil || count(changes, Updated) != 1 {
		t.Fatalf("it stays connected from now on: %v, %v", changes, err)
	}
	if changes := table.presence(t0.Add(time.Minute), "a", false); count(changes, Away) != 1 {
		t.Fatalf("a closed connection means %v", changes)
	}
	if changes := table.expire(t0.Add(2 * time.Minute)); count(changes, Expired) != 1 {
		t.Fatalf("after its lease: %v", changes)
	}
}

func TestLeasesGrowWithTheLoad(t *testing.T) {
	table := newTable(time.Second, Limits{}.withDefaults())
	atRest := maxRenewals / renewalsPerLease
	for i := range 2 * atRest {
		if want := time.Second; i < atRest && table.length(false) != want {
			t.Fatalf("with %d leases: %s", i, table.length(false))
		}
		if _, _, _, err := table.grant(t0, claimOf(peer.ID(fmt.Sprint(i)), "", 1), manner{}); err != nil {
			t.Fatal(err)
		}
	}
	if got := table.length(false); got < 1990*time.Millisecond || got > 2010*time.Millisecond {
		t.Fatalf("with twice as many leases as renewals are taken on in a lease: %s", got)
	}
	if got := table.length(true); got != detachedLease {
		t.Fatalf("detached: %s", got)
	}
}

func TestWhatPeersTellOfThemselves(t *testing.T) {
	many := &pb.DirectorySelf{RttUs: 1 << 62, Agent: "grapevine/1\x1b[31m\u202e " + strings.Repeat("ä", 100)}
	for i := range 2 * maxNeighbours {
		many.Neighbours = append(many.Neighbours, []byte(testPeer(byte(i))))
	}
	many.Neighbours[3] = []byte("nonsense")
	got := decodeSelf(many)
	if len(got.neighbours) != maxNeighbours-1 || got.rtt != 0 || len(got.agent) > maxAgent ||
		!strings.HasPrefix(got.agent, "grapevine/1[31m") || strings.ContainsAny(got.agent, "\x1b\u202e") {
		t.Fatalf("%d neighbours, %s, %q", len(got.neighbours), got.rtt, got.agent)
	}
	if again := decodeSelf(encodeSelf(got)); !again.same(got) || again.rtt != got.rtt {
		t.Fatalf("%+v comes back as %+v", got, again)
	}
	if encodeSelf(decodeSelf(nil)) != nil {
		t.Error("nothing told is something")
	}

	table := testTable()
	id := leaseID{"a", ""}
	table.grant(t0, claimOf("a", "", 1), manner{})
	changes, err := table.renew(t0, id, &got)
	if err != nil || count(changes, retold) != 1 || !table.find(id).told().same(got) {
		t.Fatalf("%v, %v", changes, err)
	}
	same := got
	same.rtt = time.Millisecond
	if changes, _ := table.renew(t0, id, &same); len(changes) != 0 || table.find(id).told().rtt != same.rtt {
		t.Fatalf("another round trip changes %v", changes)
	}
	if err := table.check(); err != nil {
		t.Fatal(err)
	}
	// Without memory for it what a peer tells is left out, and its lease goes on.
	table.limits.Memory = table.size
	got.agent += "!"
	if _, err := table.renew(t0.Add(time.Second), id, &got); err != nil || table.find(id).told().agent != "" || table.size > table.limits.Memory {
		t.Fatalf("%+v, %v", table.find(id).self, err)
	}
}

func testPeer(n byte) peer.ID {
	return peer.ID("\x00\x24\x08\x01\x12\x20" + strings.Repeat(string([]byte{'a' + n%26, 'a' + n/26}), 16))
}
