package bootstrap

import (
	"bytes"
	"testing"
	"time"
	"unique"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// wordOf is the signed word of a peer of the tests about a name of its.
func wordOf(t testing.TB, peer byte, name string, seq uint64, change ...func(*claim)) []byte {
	t.Helper()
	key, id := testKey(t, peer)
	c := &claim{
		particulars: &particulars{},
		network:     unique.Make(wire.DefaultNetwork), name: name, peer: id, seq: seq,
		expires: secondOf(time.Now().Add(time.Hour)),
	}
	for _, f := range change {
		f(c)
	}
	data, err := c.seal(key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func givenUp(c *claim) { c.removed = true }

// aliceAt registers alice at a server, and returns the revision from which changes are
// looked for.
func aliceAt(t *testing.T, s *Server) (c *claim, from uint64) {
	t.Helper()
	c, err := openClaim(wordOf(t, 1, "alice", 1), s.Network, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	s.apply([]*write{{claim: c}})
	return c, s.journal.now()
}

// A fellow's word of a removal may be the first that is heard after a lease has ended:
// whatever becomes of the one, watchers and the store hear of the other.
func TestRemovalsElsewhereShowWhatEnded(t *testing.T) {
	for name, remove := range map[string]func(*claim){
		"of what is not here": func(c *claim) { c.name = "bob" },
		"of what has ended":   func(c *claim) { c.seq = 2 },
		"from before":         func(c *claim) { c.seq = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			s := quietServer(t)
			c, from := aliceAt(t, s)
			endLease(s, leaseID{c.peer, c.key})
			s.heard(t.Context(), "fellow", &pb.DirectoryChange{
				Kind:  pb.DirectoryChangeKind(Left),
				Entry: &pb.DirectoryEntry{Record: wordOf(t, 1, "alice", 1, givenUp, remove)},
			})
			changes, _, err := s.journal.after(from, 10)
			if err != nil || count(changes, Expired) != 1 {
				t.Errorf("watchers hear of %v, %v", changes, err)
			}
			if len(s.writes) == 0 {
				t.Fatal("the writer does not")
			}
			s.apply([]*write{<-s.writes})
			if kept := storedLeases(t, s.Store); len(kept) != 0 {
				t.Errorf("%d leases are still stored", len(kept))
			}
		})
	}
}

// What an owner says elsewhere when it leaves is kept in little room, and passed on whole.
func TestRemovalsElsewhereAreKeptSlim(t *testing.T) {
	s := quietServer(t)
	_, from := aliceAt(t, s)
	word := wordOf(t, 1, "alice", 2, givenUp)
	s.heard(t.Context(), "fellow", &pb.DirectoryChange{
		Kind:  pb.DirectoryChangeKind(Left),
		Entry: &pb.DirectoryEntry{Record: word},
	})
	changes, _, err := s.journal.after(from, 10)
	if err != nil || count(changes, Left) != 1 {
		t.Fatalf("watchers hear of %v, %v", changes, err)
	}
	if removal := changes[0].removal; removal.particulars != nil || !bytes.Equal(removal.envelope(), word) {
		t.Errorf("it is kept as %+v", removal)
	}
}
