package durabletest

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// Conform checks that a file system keeps the contract of durable.FS. open returns
// one, and an empty folder in it, for each test.
func Conform(t *testing.T, open func(t *testing.T) (fsys durable.FS, folder string)) {
	for name, test := range map[string]func(*testing.T, durable.FS, string){
		"create exclusively": conformCreate,
		"append":             conformAppend,
		"read at":            conformReadAt,
		"rename replaces":    conformRename,
		"remove":             conformRemove,
		"folders":            conformFolders,
		"what is missing":    conformMissing,
		"closed file":        conformClosed,
	} {
		t.Run(name, func(t *testing.T) {
			fsys, folder := open(t)
			test(t, fsys, folder)
		})
	}
}

func conformCreate(t *testing.T, fsys durable.FS, folder string) {
	name := filepath.Join(folder, "a")
	put(t, fsys, name, "one")
	wantContent(t, fsys, name, "one")
	_, err := fsys.Create(name, 0o600)
	wantErr(t, "create what is there", err, fs.ErrExist)
	wantContent(t, fsys, name, "one")
	info, err := fsys.Stat(name)
	must(t, err)
	if info.Size() != 3 || info.IsDir() || info.Mode().Perm()&^0o666 != 0 {
		t.Errorf("Stat: size %d, mode %v", info.Size(), info.Mode())
	}
}

func conformAppend(t *testing.T, fsys durable.FS, folder string) {
	name := filepath.Join(folder, "a")
	put(t, fsys, name, "one")
	f, err := fsys.Append(name)
	must(t, err)
	for _, s := range []string{" two", " three"} {
		_, err = f.Write([]byte(s))
		must(t, err)
		must(t, f.Sync())
	}
	wantContent(t, fsys, name, "one two three")
	must(t, f.Close())
}

func conformReadAt(t *testing.T, fsys durable.FS, folder string) {
	name := filepath.Join(folder, "a")
	put(t, fsys, name, "0123456789")
	f, err := fsys.Open(name)
	must(t, err)
	defer f.Close()
	buf := make([]byte, 4)
	n, err := f.ReadAt(buf, 3)
	must(t, err)
	if string(buf[:n]) != "3456" {
		t.Errorf("ReadAt 3: %q", buf[:n])
	}
	n, err = f.ReadAt(buf, 8)
	wantErr(t, "read past the end", err, io.EOF)
	if string(buf[:n]) != "89" {
		t.Errorf("ReadAt 8: %q", buf[:n])
	}
	if _, err := f.Write(buf); err == nil {
		t.Error("wrote to a file opened for reading")
	}
}

func conformRename(t *testing.T, fsys durable.FS, folder string) {
	a, b := filepath.Join(folder, "a"), filepath.Join(folder, "b")
	put(t, fsys, a, "new")
	put(t, fsys, b, "old")
	must(t, fsys.Rename(a, b))
	must(t, fsys.SyncDir(folder))
	wantContent(t, fsys, b, "new")
	wantNames(t, fsys, folder, "b")
	err := fsys.Rename(b, filepath.Join(folder, "none", "b"))
	wantErr(t, "rename into a missing folder", err, fs.ErrNotExist)
	wantContent(t, fsys, b, "new")
}

func conformRemove(t *testing.T, fsys durable.FS, folder string) {
	name, sub := filepath.Join(folder, "a"), filepath.Join(folder, "sub")
	put(t, fsys, name, "one")
	must(t, fsys.Mkdir(sub, 0o700))
	put(t, fsys, filepath.Join(sub, "b"), "two")
	if err := fsys.Remove(sub); err == nil {
		t.Error("removed a folder with a file in it")
	}
	must(t, fsys.Remove(filepath.Join(sub, "b")))
	must(t, fsys.Remove(sub))
	must(t, fsys.Remove(name))
	wantNames(t, fsys, folder)
}

func conformFolders(t *testing.T, fsys durable.FS, folder string) {
	sub := filepath.Join(folder, "sub")
	must(t, fsys.Mkdir(sub, 0o700))
	wantErr(t, "make a folder twice", fsys.Mkdir(sub, 0o700), fs.ErrExist)
	info, err := fsys.Stat(sub)
	must(t, err)
	if !info.IsDir() {
		t.Error("Stat: not a folder")
	}
	for _, name := range []string{"c", "a", "b"} {
		put(t, fsys, filepath.Join(sub, name), name)
	}
	must(t, fsys.SyncDir(sub))
	wantNames(t, fsys, sub, "a", "b", "c")
	wantNames(t, fsys, folder, "sub")
	deep := filepath.Join(folder, "x", "y", "z")
	must(t, durable.MkdirAll(fsys, deep, 0o700))
	must(t, durable.MkdirAll(fsys, deep, 0o700))
	put(t, fsys, filepath.Join(deep, "file"), "deep")
}

func conformMissing(t *testing.T, fsys durable.FS, folder string) {
	none := filepath.Join(folder, "none")
	_, err := fsys.Open(none)
	wantErr(t, "Open", err, fs.ErrNotExist)
	_, err = fsys.Append(none)
	wantErr(t, "Append", err, fs.ErrNotExist)
	_, err = fsys.Create(filepath.Join(none, "a"), 0o600)
	wantErr(t, "Create in a missing folder", err, fs.ErrNotExist)
	_, err = fsys.Stat(none)
	wantErr(t, "Stat", err, fs.ErrNotExist)
	_, err = fsys.List(none)
	wantErr(t, "List", err, fs.ErrNotExist)
	wantErr(t, "Remove", fsys.Remove(none), fs.ErrNotExist)
	wantErr(t, "Rename", fsys.Rename(none, filepath.Join(folder, "b")), fs.ErrNotExist)
	wantErr(t, "Mkdir", fsys.Mkdir(filepath.Join(none, "a"), 0o700), fs.ErrNotExist)
	wantNames(t, fsys, folder)
}

func conformClosed(t *testing.T, fsys durable.FS, folder string) {
	f, err := fsys.Create(filepath.Join(folder, "a"), 0o600)
	must(t, err)
	must(t, f.Close())
	_, err = f.Write([]byte("late"))
	wantErr(t, "Write", err, fs.ErrClosed)
	wantErr(t, "Sync", f.Sync(), fs.ErrClosed)
	wantErr(t, "Close", f.Close(), fs.ErrClosed)
}

func put(t *testing.T, fsys durable.FS, name, content string) {
	t.Helper()
	f, err := fsys.Create(name, 0o600)
	must(t, err)
	_, err = f.Write([]byte(content))
	must(t, err)
	must(t, f.Sync())
	must(t, f.Close())
}

func wantContent(t *testing.T, fsys durable.FS, name, want string) {
	t.Helper()
	got, err := durable.ReadFile(fsys, name, 1<<20)
	must(t, err)
	if !bytes.Equal(got, []byte(want)) {
		t.Errorf("%s holds %q, want %q", name, got, want)
	}
}

func wantNames(t *testing.T, fsys durable.FS, folder string, want ...string) {
	t.Helper()
	got, err := fsys.List(folder)
	must(t, err)
	if !slices.Equal(got, want) {
		t.Errorf("%s has %q, want %q", folder, got, want)
	}
}

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
