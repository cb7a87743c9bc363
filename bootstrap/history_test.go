package bootstrap

import (
	"slices"
	"testing"
	"time"
)

// TestWhoLeavesIsCounted: once, whether it says so, is cut off or falls silent.
func TestWhoLeavesIsCounted(t *testing.T) {
	table := testTable()
	story, h := newStory(table), newHistory()
	var step point
	take := func(now time.Time, changes []change) {
		for _, c := range story.retell(changes) {
			c.was = nil // as the journal keeps it
			h.take(now, &step, []change{c})
		}
	}
	grant := func(c *claim, m manner) {
		t.Helper()
		_, changes, _, err := table.grant(t0, c, m)
		if err != nil {
			t.Fatal(err)
		}
		take(t0, changes)
	}
	remove := func(c *claim) {
		t.Helper()
		changes, _, err := table.remove(t0, gone(c))
		if err != nil {
			t.Fatal(err)
		}
		take(t0, changes)
	}
	grant(claimOf("polite", "a", 1), manner{})
	grant(claimOf("cut", "b", 1), manner{})
	grant(claimOf("silent", "c", 1), manner{})
	grant(claimOf("detached", "d", 1), manner{detached: true})
	remove(claimOf("polite", "a", 2))
	take(t0, table.presence(t0, "cut", false))
	if step.Leaves != 2 {
		t.Errorf("%d of 2 have left", step.Leaves)
	}
	remove(claimOf("cut", "b", 2)) // it was gone before
	later := t0.Add(time.Hour)
	take(later, table.expire(later))
	if want := (point{Joins: 4, Claims: 4, Leaves: 4}); step != want {
		t.Errorf("%+v, want %+v", step, want)
	}
	var told []string
	for _, happening := range h.happened() {
		told = append(told, happening.Kind+" "+happening.Name)
	}
	want := []string{"joined a", "joined b", "joined c", "joined d", "left a", "away b", "left b", "expired c", "expired d"}
	if !slices.Equal(told, want) {
		t.Errorf("%q, want %q", told, want)
	}
}

// TestWhoStaysHasNotLeft: who gives a name up and has another is not told of as gone, as
// the page does not when it sees it happen.
func TestWhoStaysHasNotLeft(t *testing.T) {
	table := testTable()
	story, h := newStory(table), newHistory()
	var step point
	for _, c := range []*claim{
		claimOf("one", "", 1), claimOf("one", "a", 1), claimOf("one", "b", 1),
		gone(claimOf("one", "a", 2)), gone(claimOf("one", "", 2)), gone(claimOf("one", "b", 2)),
	} {
		var changes []change
		var err error
		if c.removed {
			changes, _, err = table.remove(t0, c)
		} else {
			_, changes, _, err = table.grant(t0, c, manner{})
		}
		if err != nil {
			t.Fatal(err)
		}
		h.take(t0, &step, story.retell(changes))
	}
	var told []string
	for _, happening := range h.happened() {
		told = append(told, happening.Kind+" "+happening.Name)
	}
	if want := []string{"joined ", "claimed a", "claimed b", "released a", "left b"}; !slices.Equal(told, want) {
		t.Errorf("%q, want %q", told, want)
	}
}

// TestNameOfWhoIsElsewhereEnds: that a name has ended is told while its holder is there
// under another, at whichever server, and not when it went away before.
func TestNameOfWhoIsElsewhereEnds(t *testing.T) {
	for _, there := range []bool{true, false} {
		table := testTable()
		story, h := newStory(table), newHistory()
		var step point
		_, changes, _, err := table.grant(t0, claimOf("one", "a", 1), manner{})
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, table.presence(t0, "one", false)...)
		h.take(t0, &step, story.retell(changes))
		h.take(t0, &step, adoptAll(story, "fellow", []entry{{claim: claimOf("one", "b", 1), online: there}}))
		later := t0.Add(time.Hour)
		h.take(later, &step, story.retell(table.expire(later)))
		var told []string
		for _, happening := range h.happened() {
			told = append(told, happening.Kind+" "+happening.Name)
		}
		want := []string{"joined a", "away a", "claimed b"}
		if there {
			want = append(want, "released a")
		}
		if !slices.Equal(told, want) {
			t.Errorf("there elsewhere %v: %q, want %q", there, told, want)
		}
	}
}
