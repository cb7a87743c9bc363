package bootstrap

import (
	"time"
)

// doubtful reports whether so many leases are about to end that the fault is more
// likely this server's: its connection was cut, its machine slept.
func (t *table) doubtful(now time.Time) bool {
	if t.leases.Len() < doubtLeast {
		return false
	}
	ending := t.due.until(momentOf(now).add(t.length(false) / doubtWindow))
	return ending*100 > t.leases.Len()*doubtPercent
}

// spare gives the leases that are about to end one more, as unconfirmed ones.
func (t *table) spare(now time.Time) []change {
	var changes []change
	end := momentOf(now).add(t.length(false) / doubtWindow)
	for _, e := range t.leases.All() {
		if e.spared || e.expires > end {
			continue
		}
		was := *e
		t.change(e, func() {
			e.expires = max(e.expires, t.until(now, e.claim, e.detached))
			e.unconfirmed, e.spared = true, true
		})
		t.spared++
		changes = append(changes, change{kind: Updated, entry: *e, was: &was})
	}
	return changes
}
