package bootstrap

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/federation"
	"github.com/grapevine-p2p/grapevine/internal/names"
)

// One address cannot use the names up, whoever it says to be; what it holds already
// is its own, and a name that is taken costs it nothing.
func TestFreeNamesByAddress(t *testing.T) {
	s := startServer(t, func(s *Server) { s.Limits = Limits{NamesPerIP: 2, NamesPerSubnet: 3} })
	claimFrom := func(who byte, name, address string) error {
		_, id := testKey(t, who)
		key, err := keyOf(name)
		if err != nil {
			t.Fatal(err)
		}
		from := netip.PrefixFrom(netip.MustParseAddr(address), 32)
		_, _, err = s.claimName(t.Context(), &claim{name: name, key: key, peer: id, seq: 1}, manner{from: from})
		return err
	}
	for i, step := range []struct {
		who           byte
		name, address string
		want          error
	}{
		{1, "first", "203.0.113.1", nil},
		{2, "second", "203.0.113.1", nil},
		{3, "third", "203.0.113.1", ErrBusy},
		{1, "first", "203.0.113.1", nil},
		{3, "first", "203.0.113.2", ErrNameTaken},
		{3, "third", "203.0.113.2", nil},
		{4, "fourth", "203.0.113.2", ErrBusy}, // the subnet has had its share
		{4, "fourth", "198.51.100.1", nil},
	} {
		t.Run(fmt.Sprint(i, " ", step.name), func(t *testing.T) {
			if err := claimFrom(step.who, step.name, step.address); !errors.Is(err, step.want) {
				t.Errorf("%d claims %q from %s: %v, not %v", step.who, step.name, step.address, err, step.want)
			}
		})
	}
}

// When everything that consensus decided may be different, who is listed under a name of
// somebody else is so no more, unless its term runs: then the names that this server
// knows of are older than that.
func TestHoldersAreCheckedAgain(t *testing.T) {
	s := startServer(t)
	_, owner := testKey(t, 1)
	_, listed := testKey(t, 2)
	if _, err := s.federation.Claim(bounded(t), names.Claim{
		Key: "alice", Skeleton: "alice", Name: "alice", Owner: owner, Seq: 1, MaxPerOwner: 1, MaxNames: 1,
	}); err != nil {
		t.Fatal(err)
	}
	id := leaseID{listed, "alice"}
	for confirmed, stays := range map[time.Time]bool{time.Now(): true, {}: false} {
		s.mu.Lock()
		s.note(s.table.end(id))
		_, changes, _, err := s.table.grant(time.Now(), claimOf(listed, "alice", 1), manner{confirmed: confirmed})
		s.note(changes)
		s.mu.Unlock()
		if err != nil {
			t.Fatal(err)
		}
		s.namesChanged(nil)
		s.checkHolders()
		s.mu.Lock()
		if there := s.table.find(id) != nil; there != stays {
			t.Errorf("confirmed at %s it is listed: %v", confirmed, there)
		}
		s.mu.Unlock()
	}
}

// Who is refused while all servers answer is not told that too few do.
func TestWithoutADecision(t *testing.T) {
	for few, want := range map[federation.NoMajorityError]string{
		{Answering: 1, Members: 3}: ": 1 of 3, try",
		{Answering: 2, Members: 4}: ": 2 of 4, try",
		{Answering: 3, Members: 3}: ": 3 of 3, but nothing was decided in time, try",
	} {
		if err := namingError(&few, &claim{}, t0); !errors.Is(err, ErrNoMajority) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %q", few, err)
		}
	}
}
