package p2p

import (
	"testing"
	"time"
)

func TestDeadlineIsSetSeldom(t *testing.T) {
	start := time.Now()
	var sets []time.Duration
	d := deadline{set: func(at time.Time) error {
		sets = append(sets, at.Sub(start))
		return nil
	}}
	within := func(now, limit time.Duration) {
		t.Helper()
		if err := d.within(start.Add(now), limit); err != nil {
			t.Fatal(err)
		}
		if left := d.ends.Sub(start.Add(now)); left > limit || left < limit*3/4 {
			t.Errorf("at %v it ends in %v, not %v", now, left, limit)
		}
	}
	for now := range 100 * time.Second / time.Millisecond { // a message each millisecond
		within(now*time.Millisecond, 20*time.Second)
	}
	if len(sets) > 25 {
		t.Errorf("set %d times for 100,000 messages", len(sets))
	}
	within(100*time.Second, 5*time.Second) // a shorter one counts at once
	within(100*time.Second, 20*time.Second)

	sets = nil
	for range 10 {
		if err := d.at(start.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if len(sets) != 1 || sets[0] != time.Hour {
		t.Errorf("one time was set as %v", sets)
	}
}
