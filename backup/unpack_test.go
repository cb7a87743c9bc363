package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
)

// archive seals an archive of any entries.
func archive(t testing.TB, k Key, entries []tar.Header, trailing int) []byte {
	t.Helper()
	var out bytes.Buffer
	sealed, err := seal(&out, k)
	if err != nil {
		t.Fatal(err)
	}
	squeezed, err := zstd.NewWriter(sealed)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(squeezed)
	for _, h := range entries {
		h.ModTime = time.Unix(1_000_000_000, 0)
		if h.Mode == 0 {
			h.Mode = 0o755
		}
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
	}
	_, err = squeezed.Write(make([]byte, trailing))
	if err := errors.Join(w.Close(), err, squeezed.Close(), sealed.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestUnpackHostile(t *testing.T) {
	k := NewKey()
	dir := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeDir} }
	file := func(name string) tar.Header { return tar.Header{Name: name, Typeflag: tar.TypeReg, Size: 3} }
	link := func(name, to string) tar.Header {
		return tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: to}
	}
	special := func(flag byte) tar.Header { return tar.Header{Name: "x/y", Typeflag: flag, Linkname: "x/f"} }
	for _, c := range []struct {
		name    string
		entries []tar.Header
		bad     bool // refused as a whole; else restored without what is unsafe
	}{
		{"sound", []tar.Header{dir("x/"), file("x/f"), link("x/l", "f")}, false},
		{"parent", []tar.Header{dir("x/"), file("x/../../evil")}, true},
		{"parent at once", []tar.Header{file("../evil")}, true},
		{"absolute", []tar.Header{file("/tmp/evil")}, true},
		{"another base", []tar.Header{dir("x/"), file("evil")}, true},
		{"no name", []tar.Header{file(".")}, true},
		{"through a link", []tar.Header{dir("x/"), link("x/l", ".."), file("x/l/evil")}, true},
		{"over a link", []tar.Header{dir("x/"), link("x/l", "f"), file("x/l")}, true},
		{"twice", []tar.Header{dir("x/"), file("x/f"), file("x/f")}, true},
		{"twice in other words", []tar.Header{dir("x/"), file("x/f"), file("x/./f")}, true},
		{"a file as a folder", []tar.Header{dir("x/"), file("x/f"), file("x/f/g")}, true},
		{"device", []tar.Header{dir("x/"), special(tar.TypeChar)}, true},
		{"block device", []tar.Header{dir("x/"), special(tar.TypeBlock)}, true},
		{"pipe", []tar.Header{dir("x/"), special(tar.TypeFifo)}, true},
		{"hard link", []tar.Header{dir("x/"), file("x/f"), special(tar.TypeLink)}, true},
		{"link out", []tar.Header{dir("x/"), link("x/l", "../evil")}, false},
		{"link far out", []tar.Header{dir("x/"), link("x/l", "/etc/passwd")}, false},
		{"link out and in", []tar.Header{dir("x/"), link("x/l", "../../x/f")}, false},
		{"link out through a link", []tar.Header{dir("x/"), dir("x/a/"), dir("x/a/b/"), link("x/a/b/d", "../.."), link("x/l", "a/b/d/../to")}, false},
		{"link up from a folder", []tar.Header{dir("x/"), dir("x/a/"), file("x/f"), link("x/l", "a/../f")}, false},
		{"set-user bit", []tar.Header{dir("x/"), {Name: "x/s", Typeflag: tar.TypeReg, Mode: 0o6755}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			outside := t.TempDir()
			destination := filepath.Join(outside, "to")
			contents := Contents{Name: "x", Size: 100, Files: 5, Folders: 5, Links: 5}
			_, err := restore(t.Context(), bytes.NewReader(archive(t, k, c.entries, 0)), k, contents, destination, false)
			if (err != nil) != c.bad {
				t.Errorf("error %v", err)
			}
			restored := 0
			_ = filepath.WalkDir(outside, func(name string, d fs.DirEntry, err error) error {
				if err != nil {
					t.Error(err)
					return nil
				}
				info, err := d.Info()
				if err != nil {
					t.Error(err)
					return nil
				}
				if strings.Contains(name, "evil") || info.Mode()&(fs.ModeSetuid|fs.ModeSetgid|fs.ModeDevice|fs.ModeNamedPipe) != 0 {
					t.Errorf("made %q, %v", name, info.Mode())
				}
				if info.Mode()&fs.ModeSymlink != 0 {
					if to, err := filepath.EvalSymlinks(name); err != nil || !strings.HasPrefix(to, filepath.Join(destination, "x")) {
						t.Errorf("%q leads to %q, %v", name, to, err)
					}
				}
				restored++
				return nil
			})
			if c.bad && restored != 2 { // outside and to
				t.Errorf("%d entries are left of a refused restore", restored-2)
			}
		})
	}
}

func TestUnpackBounds(t *testing.T) {
	k := NewKey()
	entries := []tar.Header{{Name: "x/", Typeflag: tar.TypeDir}, {Name: "x/f", Typeflag: tar.TypeReg, Size: 1 << 20}}
	sound := archive(t, k, entries, 0)
	try := func(data []byte, k Key, c Contents) error {
		_, err := restore(context.Background(), bytes.NewReader(data), k, c, t.TempDir(), false)
		return err
	}
	label := Contents{Name: "x", Size: 1 << 20, Files: 1, Folders: 1}
	if err := try(sound, k, label); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]Contents{
		"bytes":   {Name: "x", Size: 1<<20 - 1, Files: 1, Folders: 1},
		"entries": {Name: "x", Size: 1 << 20, Files: 1},
		"name":    {Name: "y", Size: 1 << 20, Files: 1, Folders: 1},
		"bad":     {Name: "../x", Size: 1 << 20, Files: 1, Folders: 1},
	} {
		if err := try(sound, k, c); !errors.Is(err, ErrBadArchive) {
			t.Errorf("%s beyond the label: %v", name, err)
		}
	}
	if err := try(archive(t, k, entries, 10<<20), k, label); !errors.Is(err, ErrDamaged) {
		t.Errorf("a bomb after the archive: %v", err)
	}
	if err := try(sound, NewKey(), label); err == nil {
		t.Error("opened with another key")
	}
	for i := 0; i < len(sound); i += 1 + len(sound)/50 {
		wrong := bytes.Clone(sound)
		wrong[i] ^= 4
		if err := try(wrong, k, label); err == nil {
			t.Errorf("byte %d changed: restored", i)
		}
		if err := try(sound[:i], k, label); err == nil {
			t.Errorf("cut at %d: restored", i)
		}
	}
}

func TestPackIsDeterministic(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "x")
	for _, name := range []string{"b", "a", "c/d"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	k := NewKey()
	plain := func() []byte {
		var out bytes.Buffer
		if _, err := pack(t.Context(), &out, k, folder, "", nil); err != nil {
			t.Fatal(err)
		}
		r, err := unseal(&out, k)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	if !bytes.Equal(plain(), plain()) {
		t.Error("two archives of one folder differ")
	}
	for _, as := range []string{"a/b", "..", ".", "/", strings.Repeat("x", 256), "\xff"} {
		if _, err := pack(t.Context(), io.Discard, k, folder, as, nil); err == nil {
			t.Errorf("packed as %q", as)
		}
	}
}
