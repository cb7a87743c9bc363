package summary

import (
	"errors"
	"fmt"
	"slices"
)

// ErrMalformed is what the error wraps when a filter or a delta is not as it must be.
var ErrMalformed = errors.New("malformed summary")

// Bytes returns the filter's encoding: a byte of flags, then the bits. That of a nil
// Filter is nil.
func (f *Filter) Bytes() []byte {
	if f == nil {
		return nil
	}
	return append(append(make([]byte, 0, 1+len(f.bits)), f.flags), f.bits...)
}

// Parse decodes a filter that came from anywhere. It keeps nothing of b.
func Parse(b []byte) (*Filter, error) {
	if len(b) < 1+Step || len(b) > 1+MaxSize || (len(b)-1)%Step != 0 {
		return nil, fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	}
	return check(&Filter{flags: b[0], bits: slices.Clone(b[1:])})
}

// check counts the bits of a filter of a right size and refuses one that no honest
// peer makes.
func check(f *Filter) (*Filter, error) {
	if f.flags&^knownFlags != 0 {
		return nil, fmt.Errorf("%w: flags %#x", ErrMalformed, f.flags)
	}
	f.ones = uint32(countOnes(f.bits))
	if int(f.ones) > maxOnes(len(f.bits)) {
		return nil, fmt.Errorf("%w: %.0f %% of %d bytes full", ErrMalformed, 100*f.Fill(), len(f.bits))
	}
	return f, nil
}
