package bootstrap

import (
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestLimitsByOrigin(t *testing.T) {
	prefix := netip.MustParsePrefix
	limits := Limits{RegistrationsPerIP: 2, RegistrationsPerSubnet: 3}.withDefaults()
	table := newTable(time.Minute, limits)
	n := 0
	grant := func(from string, want error) {
		t.Helper()
		m := manner{}
		if from != "" {
			m.from = prefix(from)
		}
		n++
		_, _, _, err := table.grant(t0, claimOf(peer.ID(fmt.Sprint(n)), "", 1), m)
		if !errors.Is(err, want) {
			t.Fatalf("from %q: %v, want %v", from, err, want)
		}
		if later := (*laterError)(nil); want != nil && (!errors.As(err, &later) || later.after <= 0) {
			t.Fatalf("from %q: %v does not say when to try again", from, err)
		}
	}
	grant("192.0.2.1/32", nil)
	grant("192.0.2.1/32", nil)
	grant("192.0.2.1/32", ErrFull)
	grant("192.0.2.2/32", nil)
	grant("192.0.2.3/32", ErrFull)
	grant("192.0.3.1/32", nil)
	grant("2001:db8:1:1::/64", nil)
	grant("2001:db8:1:1::/64", nil)
	grant("2001:db8:1:2::/64", nil)
	grant("2001:db8:1:3::/64", ErrFull)
	grant("2001:db8:2:3::/64", nil)
	for range 10 {
		grant("", nil) // exempt
	}
	if err := table.check(); err != nil {
		t.Fatal(err)
	}
	table.expire(t0.Add(time.Minute))
	if len(table.places) != 0 || table.size != 0 {
		t.Fatalf("of leases that ended %v, %d bytes are left", table.places, table.size)
	}
	for from, want := range map[string]string{
		"192.0.2.7/32": "192.0.2.0/24", "2001:db8:1:2::/64": "2001:db8:1::/48",
	} {
		if got := subnet(prefix(from)); got.String() != want {
			t.Errorf("the subnet of %s is %s", from, got)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	table := newTable(time.Minute, Limits{Memory: 10_000}.withDefaults())
	granted := 0
	for i := range 100 {
		c := claimOf(peer.ID(fmt.Sprint(i)), "", 1)
		c.sealed = string(make([]byte, 1000))
		_, _, _, err := table.grant(t0, c, manner{})
		if err == nil {
			granted++
		} else if !errors.Is(err, ErrFull) {
			t.Fatal(err)
		}
	}
	if granted == 0 || granted > 6 || table.size > 10_000 {
		t.Fatalf("%d registrations, %d bytes", granted, table.size)
	}
}

// Nor does it grow because of those that are there: bigger records are refused, but for
// those of usual size, and their leases run on.
func TestGrowingRecordsAreBounded(t *testing.T) {
	const most = 10_000
	table := newTable(time.Minute, Limits{Memory: most}.withDefaults())
	told := manner{self: self{agent: "agent"}}
	const rest = most - 2*entryCost // beside the other
	for _, step := range []struct {
		peer peer.ID
		seq  uint64
		size int
		want error
	}{
		{"other", 1, 0, nil},
		{"a", 1, 1000, nil},
		{"a", 2, rest, nil}, // to the last byte, for which it gives up what it told
		{"a", 3, rest + 1, ErrFull},
		{"a", 2, rest, nil}, // as it is
		{"other", 2, registrationCost - entryCost + 1, ErrFull},
		{"other", 2, registrationCost - entryCost, nil},
		{"a", 4, 1000, nil},
	} {
		c := claimOf(step.peer, "", step.seq)
		c.sealed = string(make([]byte, step.size))
		m := told
		if step.peer == "other" {
			m = manner{}
		}
		if _, _, _, err := table.grant(t0, c, m); !errors.Is(err, step.want) {
			t.Fatalf("a record of %d bytes: %v, want %v", step.size, err, step.want)
		}
		if err := table.check(); err != nil || table.size > most+registrationCost-entryCost {
			t.Fatalf("%d bytes, %v", table.size, err)
		}
	}
}

// Who was let sign a record of usual size though the memory was used up is there again
// after a restart, and so is who had a big one by then, in whatever order they come.
func TestWhoGrewIsRestored(t *testing.T) {
	const peers, big = 4, 4 * registrationCost
	limits := Limits{Memory: big + (peers-1)*(entryCost+10), Registrations: peers}.withDefaults()
	table := newTable(time.Minute, limits)
	for _, usual := range []int{entryCost, registrationCost} {
		for i := range peers {
			c := claimOf(peer.ID(fmt.Sprint(i)), "", uint64(usual))
			size := usual
			if i == 0 {
				size = big
			}
			c.sealed = string(make([]byte, size-entryCost))
			if _, _, _, err := table.grant(t0, c, manner{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	for first := range peers {
		again := newTable(time.Minute, limits)
		for i := range peers {
			e := table.find(leaseID{peer.ID(fmt.Sprint((first + i) % peers)), ""})
			again.restore(t0, e.claim, manner{}, t0)
		}
		if n := again.leases.Len(); n != peers {
			t.Errorf("%d of %d are restored, from %d on", n, peers, first)
		}
	}
}

// TestNeighboursAreReckoned: who tells of peers that nobody knows pays for their IDs.
func TestNeighboursAreReckoned(t *testing.T) {
	table := testTable()
	table.grant(t0, claimOf("a", "", 1), manner{})
	before := table.size
	table.grant(t0, claimOf("b", "", 1), manner{self: self{neighbours: []peer.ID{"a", "x", "y"}}})
	if cost := table.size - before - costOf(claimOf("b", "", 1), self{}); cost != 3*neighbourCost+2*strangerCost {
		t.Errorf("three neighbours, two of them unknown, cost %d", cost)
	}
	if err := table.check(); err != nil {
		t.Error(err)
	}
	before = table.size
	if _, err := table.renew(t0, leaseID{"b", ""}, &self{neighbours: []peer.ID{"a"}}); err != nil || before-table.size != 2*(neighbourCost+strangerCost) {
		t.Errorf("two less give %d back, %v", before-table.size, err)
	}
}
