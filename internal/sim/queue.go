package sim

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// happening is one thing that is to happen to a node.
type happening struct {
	kind happeningKind
	node int32
	peer int32
	link *link
	msg  wire.Message
	call func()
}

type happeningKind uint8

const (
	tick        happeningKind = iota + 1
	arrival                   // msg comes over link
	loss                      // link ends
	dialFailed                // no link to peer
	probed                    // peer answered a probe
	unreachable               // peer did not
	called                    // call is part of the scenario
)

// queue is what is to happen, in order of time and then of being planned: a
// four-ary heap of keys, so that the happenings themselves never move.
type queue struct {
	keys  []key
	slab  []happening
	free  []int32
	count uint64
}

type key struct {
	at    time.Duration
	count uint64
	slot  int32
}

func (k key) before(o key) bool { return k.at < o.at || k.at == o.at && k.count < o.count }

// plan adds a happening and returns it, to be filled in.
func (q *queue) plan(at time.Duration, kind happeningKind, node int32) *happening {
	var slot int32
	if n := len(q.free); n > 0 {
		slot, q.free = q.free[n-1], q.free[:n-1]
	} else {
		slot = int32(len(q.slab))
		q.slab = append(q.slab, happening{})
	}
	q.count++
	k := key{at: at, count: q.count, slot: slot}
	q.keys = append(q.keys, k)
	i := len(q.keys) - 1
	for i > 0 {
		up := (i - 1) / 4
		if !k.before(q.keys[up]) {
			break
		}
		q.keys[i] = q.keys[up]
		i = up
	}
	q.keys[i] = k
	h := &q.slab[slot]
	h.kind, h.node = kind, node
	return h
}

// next removes and returns what happens next, if it does so by until.
func (q *queue) next(until time.Duration) (time.Duration, happening, bool) {
	if len(q.keys) == 0 || q.keys[0].at > until {
		return 0, happening{}, false
	}
	top := q.keys[0]
	last := len(q.keys) - 1
	k := q.keys[last]
	q.keys = q.keys[:last]
	if last > 0 {
		i := 0
		for {
			child := 4*i + 1
			if child >= last {
				break
			}
			least := child
			for c := child + 1; c < min(child+4, last); c++ {
				if q.keys[c].before(q.keys[least]) {
					least = c
				}
			}
			if !q.keys[least].before(k) {
				break
			}
			q.keys[i] = q.keys[least]
			i = least
		}
		q.keys[i] = k
	}
	h := q.slab[top.slot]
	q.slab[top.slot] = happening{}
	q.free = append(q.free, top.slot)
	return top.at, h, true
}
