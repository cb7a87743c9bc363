package summary

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// filling returns an encoding with so many of the bits set.
func filling(flags byte, size, ones int) []byte {
	b := make([]byte, 1+size)
	b[0] = flags
	for i := range ones {
		b[1+i>>3] |= 1 << (i & 7)
	}
	return b
}

func TestParse(t *testing.T) {
	const small, biggest = 8 * Step, 8 * MaxSize
	for _, c := range []struct {
		name string
		in   []byte
		ok   bool
	}{
		{"nothing", nil, false},
		{"flags alone", []byte{0}, false},
		{"a bit short", filling(0, Step, 0)[1:], false},
		{"a bit long", append(filling(0, Step, 0), 0), false},
		{"half a step", filling(0, Step/2, 0), false},
		{"a step and a half", filling(0, Step+Step/2, 0), false},
		{"the smallest", filling(0, Step, 1), true},
		{"three steps", filling(0, 3*Step, 1), true},
		{"the biggest", filling(0, MaxSize, 1), true},
		{"bigger", filling(0, MaxSize+Step, 1), false},
		{"no bit", filling(0, Step, 0), true},
		{"no pairs", filling(flagNoPairs, Step, 1), true},
		{"all flags", filling(flagNoPairs|flagPartial, MaxSize, 1), true},
		{"an unknown flag", filling(4, Step, 1), false},
		{"another", filling(0x80, Step, 1), false},
		{"as full as small ones may be", filling(0, Step, small*45/100), true},
		{"fuller", filling(0, Step, small*45/100+1), false},
		{"full", filling(0, Step, small), false},
		{"as full as the biggest may be", filling(0, MaxSize, biggest*55/100), true},
		{"one bit more", filling(0, MaxSize, biggest*55/100+1), false},
		{"half full but for one step", filling(0, MaxSize-Step, biggest/2), false},
	} {
		f, err := Parse(c.in)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
		if err != nil && !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v is not ErrMalformed", c.name, err)
		}
		if err == nil && !bytes.Equal(f.Bytes(), c.in) {
			t.Errorf("%s: encodes otherwise", c.name)
		}
	}
}

func TestFilterSharesNoBytes(t *testing.T) {
	in := sharing("key").Bytes()
	f, err := Parse(in)
	if err != nil {
		t.Fatal(err)
	}
	clear(in)
	clear(f.Bytes())
	if !f.Matches(For("key", nil)) {
		t.Error("the filter changed with bytes outside of it")
	}
}

func TestEncodedFilterIsTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := filterOf(append(entries().Draw(t, "index"), entry{key: "one"}))
		g, err := Parse(f.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if g.Fill() != f.Fill() || g.Pairs() != f.Pairs() || g.Partial() != f.Partial() || !bytes.Equal(g.Bytes(), f.Bytes()) {
			t.Fatal("it is not the same")
		}
	})
}

// The bytes must not change: peers of other versions read them.
func TestGolden(t *testing.T) {
	f := filterOf([]entry{{"grapevine", []string{"holiday", "photos"}}, {"", nameOf(1, PairWords+1)}})
	g := filterOf([]entry{{"grapevine", []string{"holiday", "pictures"}}, {"", nameOf(1, PairWords+1)}})
	for name, got := range map[string][]byte{"filter.hex": f.Bytes(), "delta.hex": f.Delta(g)} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Join(strings.Fields(string(text)), ""); hex.EncodeToString(got) != want {
			t.Errorf("%s is %x", name, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sharing("key").Bytes())
	f.Add(withKeys(300).Bytes())
	f.Add(filling(flagNoPairs|flagPartial, Step, 100))
	f.Add(filling(0, Step, 8*Step))
	f.Add(filling(8, Step, 1))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := Parse(in)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		if !bytes.Equal(s.Bytes(), in) {
			t.Fatal("decodes, but encodes otherwise")
		}
		if s.Size() > MaxSize || s.Fill() > MaxFill {
			t.Fatalf("%d bytes, %.2f full", s.Size(), s.Fill())
		}
		s.Matches(For("key", []string{"v", "w"}))
	})
}
