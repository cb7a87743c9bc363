package summary

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestDeltaIsApplied(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := Step * rapid.IntRange(1, 4).Draw(t, "steps")
		f := drawn(t, size)
		g := drawn(t, size)
		if rapid.Bool().Draw(t, "alike") {
			g = &Filter{bits: bytes.Clone(f.bits), flags: g.flags}
			for _, at := range rapid.SliceOfN(rapid.IntRange(0, 8*size-1), 0, 50).Draw(t, "flips") {
				g.bits[at>>3] ^= 1 << (at & 7)
			}
			g.ones = uint32(countOnes(g.bits))
		}
		delta := f.Delta(g)
		if delta == nil {
			return
		}
		if len(delta) >= len(g.Bytes()) {
			t.Fatalf("%d bytes are no smaller than the whole", len(delta))
		}
		got, err := f.Apply(delta)
		if int(g.ones) > maxOnes(size) {
			if err == nil {
				t.Fatal("too full")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Bytes(), g.Bytes()) || got.Fill() != g.Fill() {
			t.Fatal("another filter")
		}
	})
}

// drawn returns a filter of honest fill, or nearly.
func drawn(t *rapid.T, size int) *Filter {
	f := &Filter{bits: make([]byte, size), flags: rapid.ByteMax(knownFlags).Draw(t, "flags")}
	mask := rapid.ByteMax(7).Draw(t, "mask") // 37 % at the most
	seed := rapid.Uint64().Draw(t, "seed")
	for i := range f.bits {
		f.bits[i] = byte(mix(seed+uint64(i))) & (mask | mask<<4)
	}
	f.ones = uint32(countOnes(f.bits))
	return f
}

// What upkeep costs: a hundredth of the keys changed.
func TestDeltaIsSmall(t *testing.T) {
	var before, after Builder
	for i := range 1000 {
		before.Add(fmt.Sprint("key", i), nil)
		after.Add(fmt.Sprint("key", i+10), nil)
	}
	if n := len(before.Filter().Delta(after.Filter())); n == 0 || n > 180 {
		t.Errorf("%d bytes", n)
	}
}

func TestNoDelta(t *testing.T) {
	f := withKeys(200)
	var other Builder
	for i := range 200 {
		other.Add(fmt.Sprint("other", i), nil)
	}
	if d := f.Delta(withKeys(300)); d != nil {
		t.Errorf("%d bytes to another size", len(d))
	}
	if d := f.Delta(other.Filter()); d != nil {
		t.Errorf("%d bytes to a filter with nothing in common", len(d))
	}
	d := f.Delta(f)
	if !bytes.Equal(d, []byte{0, 0}) {
		t.Errorf("% x to itself", d)
	}
	if g, err := f.Apply(d); err != nil || !bytes.Equal(g.Bytes(), f.Bytes()) {
		t.Errorf("nothing changed: %v", err)
	}
}

func TestApplyRefuses(t *testing.T) {
	f := &Filter{bits: make([]byte, Step)}
	one := &Filter{bits: make([]byte, Step)}
	one.bits[Step-1] = 0x80
	last := f.Delta(one)
	if g, err := f.Apply(last); err != nil || !bytes.Equal(g.bits, one.bits) {
		t.Fatalf("the last bit: %v", err)
	}
	// So few of 4,096 bits that the code of a gap has 12 low bits: a mean gap of 4,096.
	for name, delta := range map[string][]byte{
		"nothing":                     nil,
		"flags alone":                 {0},
		"no gap":                      {0, 1},
		"half a gap":                  {0, 1, 0},
		"an unknown flag":             {4, 0},
		"an overlong count":           {0, 0x80, 0},
		"half a count":                {0, 0x80},
		"a huge count":                {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1},
		"a count above 64 bits":       {0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2},
		"more than there are bits":    append([]byte{0, 0x81, 0x20}, bytes.Repeat([]byte{0xff}, 400)...),
		"a byte too much":             append(bytes.Clone(last), 0),
		"a bit too much":              append(bytes.Clone(last[:len(last)-1]), last[len(last)-1]|0x80),
		"a gap past the end":          {0, 1, 1, 0},
		"a gap far past the end":      append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, 400)...),
		"too full":                    f.Delta(&Filter{bits: filling(0, Step, 1850)[1:]}),
		"a gap past the end later on": gaps(4000, 2047),
		"as long as the whole":        gaps(append(make([]int, 502), slices.Repeat([]int{2}, 1198)...)...),
		"a gap after the last bit":    {0, 2, 0xfd, 0x1f, 0, 0},
		"gaps without the last of it": last[:len(last)-1],
	} {
		if g, err := f.Apply(delta); !errors.Is(err, ErrMalformed) || g != nil {
			t.Errorf("%s (% x): %v", name, delta[:min(len(delta), 8)], err)
		}
	}
	if f.ones != 0 || countOnes(f.bits) != 0 {
		t.Error("the filter changed")
	}
}

// gaps returns a delta to a filter of one Step that has these gaps.
func gaps(all ...int) []byte {
	w := riceWriter{low: riceBits(Step, len(all)), bytes: binary.AppendUvarint([]byte{0}, uint64(len(all)))}
	for _, n := range all {
		w.write(n)
	}
	return w.bytes
}

func FuzzApply(f *testing.F) {
	base := withKeys(200)
	f.Add([]byte{0, 0})
	f.Add([]byte{1, 1, 0, 0})
	f.Add(base.Delta(withKeys(190)))
	f.Add(base.Delta(withKeys(204)))
	f.Add(base.Delta(withKeys(120)))
	f.Add([]byte{0, 0xff, 0xff, 0x03})
	f.Fuzz(func(t *testing.T, delta []byte) {
		next, err := base.Apply(delta)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		if !bytes.Equal(base.Delta(next), delta) {
			t.Fatal("applies, but is not the delta to what comes of it")
		}
		if _, err := Parse(next.Bytes()); err != nil {
			t.Fatal(err)
		}
	})
}
