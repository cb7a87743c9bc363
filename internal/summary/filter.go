package summary

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Filter is a summary: what may be asked of one peer. It never changes once made, so
// that it is shared freely, also between goroutines. A nil Filter is that of a peer
// that shares nothing: it matches nothing.
type Filter struct {
	bits  []byte
	ones  uint32 // how many of the bits are set
	flags byte
}

const (
	flagNoPairs = 1 << iota // pairs are not told
	flagPartial             // not all keys and words are told
	knownFlags  = 1<<iota - 1
)

// Size returns the length of its bits in bytes.
func (f *Filter) Size() int {
	if f == nil {
		return 0
	}
	return len(f.bits)
}

// Fill returns which share of its bits is set.
func (f *Filter) Fill() float64 {
	if f == nil {
		return 0
	}
	return float64(f.ones) / float64(8*len(f.bits))
}

// Pairs reports whether it tells which words stand together in a name. Of one that
// does not, a query of several words may match because of words of different names.
func (f *Filter) Pairs() bool { return f != nil && f.flags&flagNoPairs == 0 }

// Partial reports whether there was more to share than it tells, so that what it does
// not match may be there all the same.
func (f *Filter) Partial() bool { return f != nil && f.flags&flagPartial != 0 }

// Rate returns the chance that it matches p by accident, though none of p's terms is in
// it. Words and pairs that are in it by way of different names are no accident and
// are not counted.
func (f *Filter) Rate(p *Pattern) float64 {
	if f == nil || p.empty() {
		return 0
	}
	tested := len(p.probes)
	if f.Pairs() {
		tested += Hashes * len(p.pairs)
	}
	return math.Pow(f.Fill(), float64(tested))
}

// Matches reports whether its peer may share what p asks for.
func (f *Filter) Matches(p *Pattern) bool {
	if f == nil || p.empty() {
		return false
	}
	for _, h := range p.probes {
		if bit(f.bits, h) == 0 {
			return false
		}
	}
	return f.pairsMatch(p)
}

// pairsMatch reports whether each two of p's words may stand in one name.
func (f *Filter) pairsMatch(p *Pattern) bool {
	if f.flags&flagNoPairs != 0 {
		return true
	}
	for i := range p.pairs {
		pair := &p.pairs[i]
		if !f.has(&pair.both) && !(f.has(&p.long[pair.v]) && f.has(&p.long[pair.w])) {
			return false
		}
	}
	return true
}

func (f *Filter) has(probes *[Hashes]uint64) bool {
	for _, h := range probes {
		if bit(f.bits, h) == 0 {
			return false
		}
	}
	return true
}

// bit returns the bit, 0 or 1, that a probe falls on.
func bit(in []byte, probe uint64) byte {
	at := position(probe, len(in))
	return in[at>>3] >> (at & 7) & 1
}

// position scales a probe to the bits of a filter of so many bytes.
func position(probe uint64, size int) uint64 {
	at, _ := bits.Mul64(probe, 8*uint64(size))
	return at
}

// maxFill returns how full a filter of so many bytes may be.
func maxFill(size int) float64 {
	if size == MaxSize {
		return MaxFill
	}
	return MaxFillSmall
}

// maxOnes returns how many bits a filter of so many bytes may have set.
func maxOnes(size int) int { return int(maxFill(size) * float64(8*size)) }

func countOnes(b []byte) (n int) {
	for ; len(b) > 0; b = b[8:] { // sizes are multiples of Step
		n += bits.OnesCount64(binary.LittleEndian.Uint64(b))
	}
	return n
}
