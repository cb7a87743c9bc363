package summary

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
)

// Delta returns what changes f to next: next's flags, how many bits differ, and the
// gaps between them. It is nil if the two differ in size or either is nil, and if
// next's whole encoding would be no longer.
func (f *Filter) Delta(next *Filter) []byte {
	if f == nil || next == nil || len(f.bits) != len(next.bits) {
		return nil
	}
	flips := 0
	for i := 0; i < len(f.bits); i += 8 {
		flips += bits.OnesCount64(f.word(i) ^ next.word(i))
	}
	w := riceWriter{low: riceBits(len(f.bits), flips)}
	w.bytes = binary.AppendUvarint([]byte{next.flags}, uint64(flips))
	from := 0
	for i := 0; i < len(f.bits); i += 8 {
		for rest := f.word(i) ^ next.word(i); rest != 0; rest &= rest - 1 {
			at := 8*i + bits.TrailingZeros64(rest)
			w.write(at - from)
			from = at + 1
		}
		if len(w.bytes) > len(f.bits) {
			return nil
		}
	}
	return w.bytes
}

// Apply returns the filter that a delta from anywhere changes f to.
func (f *Filter) Apply(delta []byte) (*Filter, error) {
	if f == nil {
		return nil, fmt.Errorf("%w: a delta to nothing", ErrMalformed)
	}
	if len(delta) < 2 || len(delta) > len(f.bits) {
		return nil, fmt.Errorf("%w: a delta of %d bytes to %d", ErrMalformed, len(delta), len(f.bits))
	}
	flips, n := binary.Uvarint(delta[1:])
	if n <= 0 || n != len(binary.AppendUvarint(nil, flips)) || flips > 8*uint64(len(f.bits)) {
		return nil, fmt.Errorf("%w: number of bits that differ", ErrMalformed)
	}
	next := &Filter{flags: delta[0], bits: slices.Clone(f.bits)}
	r := riceReader{bytes: delta[1+n:], low: riceBits(len(f.bits), int(flips))}
	at := -1
	for range flips {
		gap, ok := r.read(8*len(f.bits) - 2 - at)
		if !ok {
			return nil, fmt.Errorf("%w: gap after bit %d", ErrMalformed, at)
		}
		at += 1 + gap
		next.bits[at>>3] ^= 1 << (at & 7)
	}
	if !r.atEnd() {
		return nil, fmt.Errorf("%w: more than %d gaps", ErrMalformed, flips)
	}
	return check(next)
}

// word returns 64 bits from a byte on.
func (f *Filter) word(at int) uint64 { return binary.LittleEndian.Uint64(f.bits[at:]) }
