package bootstrap

import (
	"strings"
	"testing"
	"time"
)

func TestMoments(t *testing.T) {
	// Without a reading of the monotonic clock, leases would end when somebody sets
	// the clock.
	if !strings.Contains(start.String(), " m=") {
		t.Errorf("moments are counted by the clock on the wall, from %s", start)
	}
	now := time.Now()
	for _, at := range []time.Time{now, now.Add(time.Hour), now.AddDate(-90, 0, 0), now.AddDate(90, 0, 0), time.UnixMilli(0)} {
		if back := momentOf(at).time(); back.Sub(at).Abs() > time.Second {
			t.Errorf("%s is %s", at, back)
		}
	}
	if m := momentOf(time.Time{}); m != 0 || !m.time().IsZero() {
		t.Errorf("the zero time is %d", m)
	}
	order := []time.Time{{}, time.Unix(-1<<60, 0), now, now.Add(1), now.AddDate(400, 0, 0)}
	for i := range order[1:] {
		if a, b := momentOf(order[i]), momentOf(order[i+1]); a >= b {
			t.Errorf("%s is %d, and %s is %d", order[i], a, order[i+1], b)
		}
	}
}
