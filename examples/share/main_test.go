package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/examples/internal/programtest"
)

// generously is how long a test waits for what it expects, on a machine however busy.
const generously = programtest.Patience

func TestMain(m *testing.M) { programtest.Main(m, main) }

// serving is a running "share serve".
type serving struct {
	*programtest.Process
	id, addr string
}

func serve(t *testing.T, folder string, args ...string) *serving {
	t.Helper()
	s := &serving{Process: programtest.Start(t, append([]string{"serve", folder, "--data", t.TempDir()}, args...)...)}
	node := s.Wait("node", nil)
	s.id, s.addr = node["id"].(string), node.Strings("addrs")[0]
	s.Wait("shared", nil)
	return s
}

// write makes a file that was there long ago.
func write(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
	age(t, name, time.Hour)
}

func age(t *testing.T, name string, by time.Duration) {
	t.Helper()
	then := time.Now().Add(-by)
	if err := os.Chtimes(name, then, then); err != nil {
		t.Fatal(err)
	}
}

// noise is n bytes that repeat nowhere.
func noise(n int, seed string) []byte {
	out := make([]byte, 0, n+64)
	for i := 0; len(out) < n; i++ {
		out = fmt.Appendf(out, "%s %d,", seed, i)
	}
	return out[:n]
}

func same(t *testing.T, name string, want []byte) {
	t.Helper()
	if got, err := os.ReadFile(name); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes that are not the %d wanted, %v", name, len(got), len(want), err)
	}
}

// The whole story as its user lives it.
func TestStory(t *testing.T) {
	film, song := noise(5_000_000, "film"), []byte("la la la")
	one, two := t.TempDir(), t.TempDir()
	write(t, filepath.Join(one, "Filmes", "Férias 2026.mkv"), film)
	write(t, filepath.Join(two, "holiday film.mkv"), film)
	write(t, filepath.Join(two, "Canção de Ninar.mp3"), song)
	write(t, filepath.Join(two, "東京の写真 2026.jpg"), []byte("foto"))
	write(t, filepath.Join(two, ".secret mp3"), []byte("hidden"))
	write(t, filepath.Join(two, "夏休みの動画 東京タワー 大晦日.mp4"), []byte("tower"))

	first := serve(t, one)
	second := serve(t, two, "--peer", first.addr)
	data, to := t.TempDir(), t.TempDir()
	with := func(args ...string) []string { return append(args, "--data", data, "--peer", first.addr) }

	found, ok := programtest.Events(t, []string{"hit"}, with("search", "--max=1", "NINAR", "canc\u0327a\u0303o")...)
	if !ok || len(found) != 1 || found[0]["name"] != "Canção de Ninar.mp3" || found[0]["holder"] != second.id || found[0]["bytes"] != float64(len(song)) {
		t.Errorf("search: %v, %v", ok, found)
	}
	found, ok = programtest.Events(t, []string{"hit"}, with("search", "--max=1", "大晦日", "東京タワー", "夏休みの動画")...)
	if !ok || len(found) != 1 || found[0]["bytes"] != 5.0 {
		t.Errorf("search: %v, %v", ok, found)
	}
	found, ok = programtest.Events(t, []string{"file", "searched"}, with("search", "--max=3", "2026")...)
	if len(found) != 3 || found[2]["files"] != 2.0 || found[2]["holders"] != 2.0 || !ok {
		t.Errorf("search: %v, %v", ok, found)
	}

	id := ""
	for _, f := range found {
		if f["bytes"] == float64(len(film)) {
			id = f["id"].(string)
		}
	}
	got, ok := programtest.Events(t, []string{"got"}, with("get", id, "--to", to)...)
	if !ok || len(got) != 1 {
		t.Fatalf("get: %v, %v", ok, got)
	}
	same(t, got[0]["path"].(string), film)

	got, ok = programtest.Events(t, []string{"got"}, with("get", "ninar", "--to", filepath.Join(to, "song"))...)
	if !ok || len(got) != 1 {
		t.Fatalf("get by words: %v, %v", ok, got)
	}
	same(t, filepath.Join(to, "song"), song)
	if left, _ := filepath.Glob(filepath.Join(to, "*"+partSuffix+"*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A content of a known ID is fetched though the search for what it is called goes on.
func TestNameIsNotWaitedFor(t *testing.T) {
	folder := t.TempDir()
	write(t, filepath.Join(folder, "song.mp3"), []byte("la la la"))
	s := serve(t, folder)
	with := func(args ...string) []string {
		return append(args, "--data", t.TempDir(), "--peer", s.addr, "--strategy=flood")
	}
	found, _ := programtest.Events(t, []string{"file"}, with("search", "song", "--max=1")...)
	if len(found) != 1 {
		t.Fatalf("found %v", found)
	}
	got := programtest.Start(t, with("get", found[0]["id"].(string), "--to", t.TempDir(), "--timeout=1h")...).Wait("got", nil)
	same(t, got["path"].(string), []byte("la la la"))
}

// A file that is added, changed and removed is found accordingly.
func TestFolderChanges(t *testing.T) {
	folder := t.TempDir()
	s := serve(t, folder)
	has := func(files, bytes int) func(programtest.Event) bool {
		return func(e programtest.Event) bool { return e["files"] == float64(files) && e["bytes"] == float64(bytes) }
	}
	write(t, filepath.Join(folder, "a.txt"), []byte("one"))
	s.Wait("shared", has(1, 3))
	write(t, filepath.Join(folder, "b.txt"), []byte("two"))
	s.Wait("shared", has(2, 6))
	write(t, filepath.Join(folder, "a.txt"), []byte("three"))
	s.Wait("shared", has(2, 8))
	if err := os.Remove(filepath.Join(folder, "b.txt")); err != nil {
		t.Fatal(err)
	}
	s.Wait("shared", has(1, 5))
	found, ok := programtest.Events(t, []string{"file"}, "search", "txt", "--max=1", "--data", t.TempDir(), "--peer", s.addr)
	if !ok || len(found) != 1 || found[0]["bytes"] != 5.0 {
		t.Errorf("%v, %v", ok, found)
	}
}

// What a person reads: results on standard output, one clear error, and the exit code.
func TestForAPerson(t *testing.T) {
	folder, data, to := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, filepath.Join(folder, "one note.txt"), []byte("hello"))
	write(t, filepath.Join(folder, "two note.txt"), []byte("hello you"))
	write(t, filepath.Join(folder, "blank.txt"), nil)
	s := serve(t, folder)
	file := filepath.Join(to, "one note.txt")
	key, loose := filepath.Join(to, "key"), filepath.Join(to, "loose")
	if err := os.WriteFile(loose, []byte(strings.Repeat("ab", 32)), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string // on standard output, or on standard error for a failure
	}{
		{"search", []string{"search", "--max=2", "note"}, 0, "2 files from 1 holder in"},
		{"get", []string{"get", "one", "--to", to}, 0, "one note.txt: 5 B, verified, from 1 holder in"},
		{"empty", []string{"get", "blank", "--to", to}, 0, "blank.txt: an empty file\n"},
		{"into a new folder", []string{"get", "one", "--to", filepath.Join(to, "new", "er") + "/"}, 0, "got " + filepath.Join(to, "new", "er", "one note.txt")},
		{"into an old folder", []string{"get", "two", "--to", filepath.Join(to, "new") + "/"}, 0, "got " + filepath.Join(to, "new", "two note.txt")},
		{"as a name", []string{"get", "one", "--to", filepath.Join(to, "name")}, 0, "got " + filepath.Join(to, "name")},
		{"as a name in no folder", []string{"get", "one", "--to", filepath.Join(to, "absent", "name")}, 2, "a path that ends in a slash is made"},
		{"into a file", []string{"get", "one", "--force", "--to", file + "/"}, 2, "is no folder"},
		{"under a file", []string{"get", "one", "--force", "--to", filepath.Join(file, "name")}, 2, "there is no folder"},
		{"again", []string{"get", "one", "--to", to}, 1, "is there already; --force replaces it"},
		{"force", []string{"get", "one", "--to", to, "--force"}, 0, "got " + file},
		{"several", []string{"get", "note", "--to", to}, 1, `"note" names 2 files: choose one by its ID`},
		{"nothing", []string{"search", "absent", "--timeout=100ms"}, 1, `search for "absent": nothing found`},
		{"no such ID", []string{"get", strings.Repeat("ab", 32), "--timeout=100ms"}, 1, "nothing found"},
		{"too many", []string{"search", "--max=1000", "x"}, 2, "--max: want 1 to 200"},
		{"no time", []string{"search", "--timeout=-1s", "x"}, 2, "--timeout: -1s is below zero"},
		{"no time to get", []string{"get", "--timeout=-1s", "x"}, 2, "--timeout: -1s is below zero"},
		{"no words", []string{"search", "--", "--"}, 2, `no word to search for in "--"`},
		{"no folder", []string{"serve", filepath.Join(to, "absent")}, 1, "no such file"},
		{"no data", []string{"serve", filepath.Dir(data)}, 1, "with the node's key"},
		{"group", []string{"group", "new", key}, 0, "made the key of a new group"},
		{"group again", []string{"group", "new", key}, 1, "is there already"},
		{"loose key", []string{"search", "x", "--group", loose}, 1, "open to other users"},
		{"shared key", []string{"serve", to, "--group", key}, 1, "the group's key"},
		{"no key", []string{"search", "x", "--group", file}, 1, "group key"},
		{"no command", nil, 2, "expected one of"},
	} {
		t.Run(c.name, func(t *testing.T) {
			programtest.Says(t, c.says, c.code, append([]string{"--data", data, "--peer", s.addr}, c.args...)...)
		})
	}
	for _, name := range []string{file, filepath.Join(to, "name"), filepath.Join(to, "new", "er", "one note.txt")} {
		same(t, name, []byte("hello"))
	}
}

// What cannot be asked is refused before anything is started or written.
func TestBadWordsStartNothing(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	for _, command := range []string{"search", "get"} {
		programtest.Says(t, `no word to search for in "--"`, 2, command, "--data", data, "--", "--")
		programtest.Says(t, "words, at most", 2, command, "--data", data, "a b c d e f g h i")
	}
	if _, err := os.Stat(data); !os.IsNotExist(err) {
		t.Errorf("a data folder: %v", err)
	}
}
