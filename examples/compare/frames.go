package main

import (
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/encoding/protowire"
)

// kind is what a frame tells of itself: all protocols here send protobuf messages
// after their length as a uvarint.
type kind struct {
	protocol protocol.ID
	field    protowire.Number // of the message's first field
	value    uint64           // of that field, if it is a number
}

// purpose is what a frame is sent for.
type purpose int

const (
	upkeep purpose = iota
	publishing
	query
	purposes
)

// traffic counts frames and their bytes, lengths included, by purpose.
type traffic struct{ frames, bytes [purposes]int64 }

func (t traffic) minus(u traffic) traffic {
	for p := range t.frames {
		t.frames[p] -= u.frames[p]
		t.bytes[p] -= u.bytes[p]
	}
	return t
}

func (t traffic) plus(u traffic) traffic {
	for p := range t.frames {
		t.frames[p] += u.frames[p]
		t.bytes[p] += u.bytes[p]
	}
	return t
}

func (t traffic) allBytes() (sum int64) {
	for _, b := range t.bytes {
		sum += b
	}
	return sum
}

// tally counts what all hosts of a system send.
type tally struct {
	purpose       func(kind) purpose
	frames, bytes [purposes]atomic.Int64

	mu    sync.Mutex
	kinds map[kind]int64
}

// byKind returns how many frames of each kind were sent.
func (t *tally) byKind() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[string]int64)
	for k, n := range t.kinds {
		out[k.String()] = n
	}
	return out
}

func (k kind) String() string {
	return fmt.Sprintf("%s field %d value %d", k.protocol, k.field, k.value)
}

func (t *tally) read() (out traffic) {
	for p := range t.frames {
		out.frames[p], out.bytes[p] = t.frames[p].Load(), t.bytes[p].Load()
	}
	return out
}

// splitter finds the frames in what is written to a stream.
type splitter struct {
	protocol protocol.ID
	tally    *tally
	prefix   []byte // of a length that is not whole yet
	left     uint64 // bytes of the frame that are still to come
	size     uint64
	head     []byte // the first bytes of the frame
}

// headSize is enough for a field's tag and a small number.
const headSize = 8

func (s *splitter) write(p []byte) {
	for len(p) > 0 {
		if s.left == 0 {
			s.prefix = append(s.prefix, p[0])
			p = p[1:]
			size, n := protowire.ConsumeVarint(s.prefix)
			if n < 0 {
				continue
			}
			s.size, s.left = size+uint64(n), size
			s.prefix, s.head = s.prefix[:0], s.head[:0]
			if size == 0 {
				s.end()
			}
			continue
		}
		n := min(uint64(len(p)), s.left)
		s.head = append(s.head, p[:min(n, uint64(headSize-len(s.head)))]...)
		s.left -= n
		p = p[n:]
		if s.left == 0 {
			s.end()
		}
	}
}

func (s *splitter) end() {
	k := kind{protocol: s.protocol}
	if number, wire, n := protowire.ConsumeTag(s.head); n > 0 {
		k.field = number
		if wire == protowire.VarintType {
			if value, m := protowire.ConsumeVarint(s.head[n:]); m > 0 {
				k.value = value
			}
		}
	}
	s.tally.mu.Lock()
	if s.tally.kinds == nil {
		s.tally.kinds = make(map[kind]int64)
	}
	s.tally.kinds[k]++
	s.tally.mu.Unlock()
	p := s.tally.purpose(k)
	s.tally.frames[p].Add(1)
	s.tally.bytes[p].Add(int64(s.size))
}
