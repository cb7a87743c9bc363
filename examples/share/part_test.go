package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"lukechampine.com/blake3"
)

func TestPart(t *testing.T) {
	data := noise(5<<20-100, "part")
	id := contentID(blake3.Sum256(data))
	dest := filepath.Join(t.TempDir(), "file")
	open := func(force bool) (*part, error) { return openPart(id, int64(len(data)), dest, force) }
	put := func(p *part, ranges ...int) {
		t.Helper()
		for _, i := range ranges {
			offset, length := p.bounds(i)
			if _, err := p.write(i, data[offset:offset+length]); err != nil {
				t.Fatal(err)
			}
		}
	}
	p, err := open(false)
	if err != nil {
		t.Fatal(err)
	}
	put(p, 4, 1)
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	if p, err = open(false); err != nil || !slices.Equal(p.missing(), []int{0, 2, 3}) || p.have() != 2<<20-100 {
		t.Fatalf("%v, %v", err, p)
	}
	put(p, 0, 2, 3)
	if exists(dest) {
		t.Error("it has its name before it is whole")
	}
	if err := p.finish(); err != nil {
		t.Fatal(err)
	}
	same(t, dest, data)
	if exists(dest+partSuffix) || exists(dest+stateSuffix) {
		t.Error("something is left behind")
	}
}

// What is not as it was written is not given the file's name; nor is it believed again.
func TestDamagedPart(t *testing.T) {
	data := noise(2<<20, "part")
	id := contentID(blake3.Sum256(data))
	dest := filepath.Join(t.TempDir(), "file")
	p, err := openPart(id, int64(len(data)), dest, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if _, err := p.write(i, data[i<<20:(i+1)<<20]); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dest+partSuffix, bytes.Repeat([]byte("x"), 2<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	p, err = openPart(id, int64(len(data)), dest, false)
	if err != nil || len(p.missing()) != 0 {
		t.Fatal(err, p)
	}
	if err := p.finish(); !errors.Is(err, errPart) || exists(dest) {
		t.Errorf("finished with %v", err)
	}
	p, err = openPart(id, int64(len(data)), dest, false)
	if err != nil || len(p.missing()) != 2 {
		t.Fatal(err, p)
	}
	p.close()
}

func TestPartOfAnother(t *testing.T) {
	dest := filepath.Join(t.TempDir(), "file")
	p, err := openPart(contentID{1}, 3<<20, dest, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.write(1, make([]byte, maxRange)); err != nil {
		t.Fatal(err)
	}
	if err := p.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := openPart(contentID{2}, 3<<20, dest, false); !errors.Is(err, errOtherPart) {
		t.Errorf("another file: %v", err)
	}
	if got, ok := unfinished(filepath.Dir(dest), contentID{1}); !ok || got != dest {
		t.Errorf("found %q, %v", got, ok)
	}
	p, err = openPart(contentID{2}, 3<<20, dest, true)
	if err != nil || len(p.missing()) != 3 {
		t.Fatalf("by force: %v", err)
	}
	p.close()
	for _, state := range []string{"", "{", `{"id":7}`, `{"id":"` + (contentID{2}).String() + `","size":3145728,"range":1048576,"done":"ffffff"}`} {
		if err := os.WriteFile(dest+stateSuffix, []byte(state), 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := openPart(contentID{2}, 3<<20, dest, true)
		if err != nil || len(p.missing()) != 3 {
			t.Errorf("state %q: %v", state, err)
			continue
		}
		p.file.Close()
	}
}
