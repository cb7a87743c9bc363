package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lukechampine.com/blake3"
)

func paths(l *library) (out []string) {
	for _, f := range l.current.Load().files {
		out = append(out, f.file.path)
	}
	return out
}

func TestWhatIsShared(t *testing.T) {
	outside, folder := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), []byte("not to be shared"))
	for _, name := range []string{
		"a.txt", "deep/er/b.txt", "empty", "twin",
		".hidden", ".git/config", "deep/.x/c.txt", "film.part", "film.part.state",
	} {
		data := []byte(name)
		if name == "empty" {
			data = nil
		}
		write(t, filepath.Join(folder, name), data)
	}
	write(t, filepath.Join(folder, "twin"), []byte("a.txt"))
	if runtime.GOOS != "windows" {
		for link, to := range map[string]string{
			"link": filepath.Join(outside, "secret"), "folder": outside, "deep/inner": "../a.txt", "up": "..",
		} {
			if err := os.Symlink(to, filepath.Join(folder, link)); err != nil {
				t.Fatal(err)
			}
		}
	}
	l := newLibrary(t, folder, nil, "holder")
	if got, want := paths(l), []string{"a.txt", "deep/er/b.txt", "empty", "twin"}; !slices.Equal(got, want) {
		t.Fatalf("shared %q, want %q", got, want)
	}
	for _, f := range l.current.Load().files {
		data, _ := os.ReadFile(filepath.Join(folder, f.file.path))
		if f.id != blake3.Sum256(data) {
			t.Errorf("%s has another ID", f.file.path)
		}
	}
}

// A file that becomes a link to something else is not read, though it was shared.
func TestFileThatBecomesALink(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("links need a privilege")
	}
	outside, folder := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), []byte("12345"))
	write(t, filepath.Join(folder, "a"), []byte("54321"))
	write(t, filepath.Join(folder, "b"), []byte("12345"))
	for _, target := range []string{filepath.Join(outside, "secret"), "b"} {
		l := newLibrary(t, folder, nil, "holder")
		f := l.current.Load().files[0]
		name := filepath.Join(folder, "a")
		if err := errors.Join(os.Remove(name), os.Symlink(target, name)); err != nil {
			t.Fatal(err)
		}
		if data, err := l.slice(f, 0, 5); err == nil {
			t.Errorf("read %q through a link to %s", data, target)
		}
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
		write(t, name, []byte("54321"))
	}
}

func TestOnlyWhatChangedIsHashed(t *testing.T) {
	folder, data := t.TempDir(), t.TempDir()
	big := noise(100_000, "big")
	write(t, filepath.Join(folder, "big"), big)
	write(t, filepath.Join(folder, "small"), []byte("small"))
	open := func() *library {
		l, err := openLibrary(folder, data, nil, "holder", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	hashed := func(l *library) (n int64) {
		show := func(total int64) (io.Writer, func()) {
			n += total
			return quietly(total)
		}
		if _, err := l.refresh(t.Context(), show, func() {}); err != nil {
			t.Fatal(err)
		}
		return n
	}
	check := func(what string, got, want int64) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d bytes hashed, want %d", what, got, want)
		}
	}
	l := open()
	check("at first", hashed(l), int64(len(big))+5)
	check("again", hashed(l), 0)
	write(t, filepath.Join(folder, "small"), []byte("other"))
	age(t, filepath.Join(folder, "small"), 2*time.Hour)
	check("after a change", hashed(l), 5)
	l.Close()

	l = open()
	check("after a start", hashed(l), 0)
	if got := paths(l); !slices.Equal(got, []string{"big", "small"}) {
		t.Errorf("known after a start: %q", got)
	}
	if err := os.Remove(filepath.Join(folder, "small")); err != nil {
		t.Fatal(err)
	}
	check("after a removal", hashed(l), 0)
	if got := paths(l); !slices.Equal(got, []string{"big"}) {
		t.Errorf("known after a removal: %q", got)
	}
	l.Close()

	// A tree that is lost is built again.
	if err := os.RemoveAll(filepath.Join(data, "trees")); err != nil {
		t.Fatal(err)
	}
	l = open()
	check("without trees", hashed(l), int64(len(big)))
	l.Close()

	// A cache that is damaged, and one of another folder, are none.
	if err := os.WriteFile(filepath.Join(data, cacheName), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	l = open()
	check("without a cache", hashed(l), int64(len(big)))
	l.Close()
	folder = t.TempDir()
	l = open()
	check("of another folder", hashed(l), 0)
	l.Close()
	trees, err := os.ReadDir(filepath.Join(data, "trees"))
	if err != nil || len(trees) > 0 {
		t.Errorf("%d trees are left, %v", len(trees), err)
	}
}

// A file that is being written waits until it is whole.
func TestUnsettledFileWaits(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "a")
	write(t, name, []byte("half"))
	age(t, name, 0)
	l := newLibrary(t, folder, nil, "holder")
	if got := paths(l); time.Since(modified(t, name)) < settleTime && len(got) > 0 {
		t.Errorf("shared at once: %q", got)
	}
	age(t, name, settleTime)
	refresh(t, l)
	if got := paths(l); len(got) != 1 {
		t.Errorf("shared later: %q", got)
	}
}

func modified(t *testing.T, name string) time.Time {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// Bytes that changed unseen, size and time being the same, are never sent, and are
// hashed anew.
func TestUnseenChange(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "a")
	write(t, name, noise(50_000, "one"))
	l := newLibrary(t, folder, nil, "holder")
	f := l.current.Load().files[0]
	then := modified(t, name)
	if err := os.WriteFile(name, noise(50_000, "two"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
	if _, err := l.slice(f, 0, 1000); !errors.Is(err, errDamaged) {
		t.Errorf("the slice: %v", err)
	}
	if !refresh(t, l) || l.current.Load().files[0].id != blake3.Sum256(noise(50_000, "two")) {
		t.Error("it has its old ID")
	}
}

func TestHashingStops(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "a"), noise(50_000, "one"))
	l, err := openLibrary(folder, t.TempDir(), nil, "holder", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithCancel(t.Context())
	show := func(int64) (io.Writer, func()) {
		cancel()
		return quietly(0)
	}
	if _, err := l.refresh(ctx, show, func() {}); !errors.Is(err, context.Canceled) || len(paths(l)) > 0 {
		t.Errorf("%v, %q", err, paths(l))
	}
}

func TestLongNames(t *testing.T) {
	long := strings.Repeat("é", 100)
	for path, want := range map[string]string{
		"a/b.txt":                         "a/b.txt",
		long + "/" + long + "/b.txt":      "b.txt",
		strings.Repeat("é", 200) + ".mp3": strings.Repeat("é", 125) + ".mp3",
	} {
		if got := shownName(path); got != want || len(got) > maxName {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}
