package names

import (
	"errors"
	"time"
)

// removals remembers, for a while, the numbers of removals, so that a claim that
// was taken back and arrives late does not come back. An owner alone can claim in
// its name, so whoever makes others forgotten by many removals gains nothing.
type removals struct {
	last  map[Renewal]uint64
	queue []removal // in the order of their times, without those before begin
	begin int
}

type removal struct {
	holder Renewal
	seq    uint64
	at     time.Duration
}

func (r *removals) remember(holder Renewal, seq uint64, now time.Duration) {
	if r.last[holder] == seq {
		return
	}
	r.last[holder] = seq
	r.queue = append(r.queue, removal{holder, seq, now})
	if len(r.queue)-r.begin > maxRemovals {
		r.pop()
	}
}

func (r *removals) forget(now time.Duration) {
	for r.begin < len(r.queue) && r.queue[r.begin].at+removalAge <= now {
		r.pop()
	}
}

func (r *removals) pop() {
	oldest := r.queue[r.begin]
	if r.last[oldest.holder] == oldest.seq {
		delete(r.last, oldest.holder)
	}
	r.queue[r.begin] = removal{}
	r.begin++
	if r.begin > maxRemovals {
		r.queue = append([]removal(nil), r.queue[r.begin:]...)
		r.begin = 0
	}
}

func (r *removals) check() error {
	for _, one := range r.queue[r.begin:] {
		if r.last[one.holder] < one.seq {
			return errors.New("a removal is forgotten too early")
		}
	}
	if len(r.last) > len(r.queue)-r.begin || len(r.queue)-r.begin > maxRemovals {
		return errors.New("a removal is remembered for ever")
	}
	return nil
}
