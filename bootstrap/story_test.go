package bootstrap

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// adoptAll takes all that a fellow has up.
func adoptAll(s *story, fellow peer.ID, entries []entry) []change {
	var all []change
	for a, more := s.adopt(fellow, slices.Clone(entries)), true; more; {
		var changes []change
		changes, more = a.some(2)
		all = append(all, changes...)
	}
	return all
}

// storyTest is a story whose changes are told in words.
type storyTest struct {
	*story
	t   *testing.T
	now time.Time
}

func (s *storyTest) expect(what string, changes []change, want string) {
	s.t.Helper()
	var got []string
	for _, c := range changes {
		got = append(got, c.kind.String()+" "+c.entry.claim.name)
	}
	if strings.Join(got, ", ") != want {
		s.t.Fatalf("%s: %q, want %q", what, got, want)
	}
}

func (s *storyTest) grant(c *claim) []change {
	s.t.Helper()
	_, changes, _, err := s.own.grant(s.now, c, manner{})
	if err != nil {
		s.t.Fatal(err)
	}
	return s.retell(changes)
}

func TestStoryIsTold(t *testing.T) {
	s := &storyTest{newStory(testTable()), t, t0}
	on := func(name string, seq uint64) entry {
		return entry{claim: claimOf(peer.ID(name), name, seq), online: true, expires: momentOf(t0.Add(time.Minute))}
	}
	off := func(name string, seq uint64) entry {
		e := on(name, seq)
		e.online = false
		return e
	}
	hidden := func(name string, seq uint64) *claim {
		c := claimOf(peer.ID(name), name, seq)
		c.hidden = true
		return c
	}
	is := func(kind ChangeKind, e entry) change { return change{kind: kind, entry: e} }
	word := func(name string, seq uint64) change {
		c := gone(claimOf(peer.ID(name), name, seq))
		return change{kind: Left, entry: entry{claim: c}, removal: c}
	}
	s.expect("mine", s.grant(claimOf("a", "a", 1)), "joined a")
	s.expect("a fellow's", adoptAll(s.story, "one", []entry{on("a", 1), on("b", 1)}), "joined b")
	s.expect("another's", adoptAll(s.story, "two", []entry{off("b", 1)}), "")
	s.expect("away there only", s.tell("one", is(Away, off("a", 1))), "")
	s.expect("and here", s.retell(s.own.presence(s.now, "a", false)), "away a")
	s.expect("back there", s.tell("two", is(Joined, on("a", 1))), "updated a")
	s.expect("a newer record here", s.grant(claimOf("a", "a", 2)), "updated a")
	s.expect("and there", s.tell("two", is(Updated, on("a", 2))), "")
	s.expect("what peers tell of themselves", s.tell("one", is(Updated, on("b", 1))), "")
	s.expect("ended at one", s.tell("one", is(Expired, on("b", 1))), "away b")
	s.expect("and at the other", s.tell("two", is(Expired, off("b", 1))), "expired b")
	s.expect("removed there", s.tell("one", word("a", 3)), "") // it is still here: the server removes it too
	changes, _, err := s.own.remove(s.now, gone(claimOf("a", "a", 3)))
	if err != nil {
		t.Fatal(err)
	}
	s.expect("and so here", s.retell(changes), "left a")
	s.expect("a fellow that is behind", s.tell("two", is(Joined, on("a", 2))), "")
	s.expect("registered anew", s.tell("two", is(Joined, on("a", 4))), "joined a")
	s.expect("hidden", s.grant(hidden("h", 1)), "")
	s.expect("shows itself", s.grant(claimOf("h", "h", 2)), "joined h")
	s.expect("hides", s.grant(hidden("h", 3)), "left h")
	if found := s.lookup(s.now, "h"); len(found) != 1 || found[0].claim.seq != 3 {
		t.Fatalf("hidden peers are not found by name: %v", found)
	}
	s.expect("the same name", s.grant(claimOf("x", "c", 1)), "joined c")
	other := entry{claim: claimOf("y", "c", 1), online: true}
	s.expect("by somebody else", s.tell("one", is(Joined, other)), "joined c")
	if found := s.lookup(s.now, "c"); len(found) != 2 {
		t.Fatalf("of two who claim it %d are found", len(found))
	}
	s.expect("until it is given to one", s.story.oust("c", "x"), "left c")
	s.expect("and here too", s.retell(s.own.oust("c", "z")), "left c")

	s.lose(s.now, "two")
	s.expect("believed when lost", s.story.expire(s.now.Add(time.Minute-1)), "")
	if next, some := s.story.next(); !some || !next.Equal(s.now.Add(time.Minute)) {
		t.Fatalf("next is %v, %v", next, some)
	}
	s.expect("for a lease", s.story.expire(s.now.Add(time.Minute)), "expired a")
	s.expect("heard again", adoptAll(s.story, "two", []entry{on("a", 4), on("d", 1)}), "joined a, joined d")
	s.expect("with less", adoptAll(s.story, "two", []entry{on("d", 1)}), "expired a")
	s.forget(s.now, "two")
	s.expect("no fellow any more", s.story.expire(s.now), "expired d")
	s.expect("who tells on", s.tell("two", is(Joined, on("e", 1))), "")
}

func TestStoryIsBounded(t *testing.T) {
	table := newTable(time.Minute, Limits{Registrations: 3}.withDefaults())
	s := newStory(table)
	var many []entry
	for i := range 10 {
		many = append(many, entry{claim: claimOf(peer.ID(fmt.Sprint("p", i)), "", 1)})
	}
	if changes := adoptAll(s, "one", many); len(changes) != 3 {
		t.Fatalf("%d of 3 are taken", len(changes))
	}
	if s.fellows["one"].size > table.limits.Memory {
		t.Fatal("over the budget")
	}
}

// All that a fellow grants by the same limits is told here too: what there is no memory
// for is what peers tell of themselves.
func TestFullFellowIsHeard(t *testing.T) {
	const many = 4
	s := newStory(newTable(time.Minute, Limits{Memory: many * (entryCost + 10), Registrations: many}.withDefaults()))
	var there []entry
	for i := range many {
		e := entry{claim: claimOf(peer.ID(fmt.Sprint("p", i)), "", 1), online: true}
		e.self = (self{neighbours: slices.Repeat([]peer.ID{"unknown"}, maxNeighbours)}).kept()
		there = append(there, e)
	}
	adoptAll(s, "one", there)
	for i := range there {
		e := there[i]
		e.claim = claimOf(e.claim.peer, "", 2)
		e.claim.sealed = string(make([]byte, registrationCost-entryCost)) // who is there may sign as much
		s.tell("one", change{kind: Updated, entry: e})
	}
	if n := len(s.list(t0)); n != many {
		t.Errorf("%d of %d are told", n, many)
	}
	if size, most := s.fellows["one"].size, s.own.limits.granted(); size > most {
		t.Errorf("they take %d bytes of %d", size, most)
	}
}

// However often a fellow tells the same, and whoever else does, it takes no more than its
// memory: one that has more is heard in part.
func TestTellingAgainTakesNoMore(t *testing.T) {
	const many = 100
	s := newStory(newTable(time.Minute, Limits{Memory: many * registrationCost / 10, Registrations: many}.withDefaults()))
	var there []entry
	for i := range many {
		c := claimOf(peer.ID(fmt.Sprint("p", i)), "", 1)
		c.sealed = string(make([]byte, maxRecord))
		there = append(there, entry{claim: c, online: true})
	}
	for _, fellow := range []peer.ID{"one", "one", "two", "one", "two"} {
		adoptAll(s, fellow, there)
		size := 0
		for _, e := range s.fellows[fellow].order {
			size += costOf(e.claim, e.told())
		}
		if most := s.own.limits.granted(); size == 0 || size > most {
			t.Errorf("they take %d bytes of %d", size, most)
		}
	}
}

// Of two records with one number, in whatever order they are heard of, the same counts.
func TestRecordsOfOneNumber(t *testing.T) {
	a, b := entry{claim: claimOf("a", "", 1)}, entry{claim: claimOf("a", "", 1)}
	b.claim.hidden, b.claim.sealed = true, a.claim.sealed+" hidden"
	if one, other := merge(a, b).claim, merge(b, a).claim; one != other {
		t.Errorf("hidden %v in one order, %v in the other", one.hidden, other.hidden)
	}
}
