package sim

import (
	"encoding/binary"
	"time"
)

// trace is a running hash (FNV-1a over words) of all that has happened.
type trace uint64

func newTrace() trace { return 14695981039346656037 }

func (t *trace) mix(v uint64) {
	*t = (*t ^ trace(v)) * 1099511628211
	*t ^= *t >> 29
}

func (t *trace) add(now time.Duration, h *happening) {
	t.mix(uint64(now))
	t.mix(uint64(h.kind) | uint64(uint32(h.node))<<8)
	t.mix(uint64(uint32(h.peer)) | uint64(h.msg.Kind)<<32 | uint64(h.msg.TTL)<<40 | uint64(h.msg.Hops)<<48)
	t.mix(binary.LittleEndian.Uint64(h.msg.GUID[:]))
}

// Trace returns a hash of all that has happened so far: equal for two networks
// that did the same.
func (n *Network) Trace() uint64 { return uint64(n.trace) }
