package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// generously is how long a test waits for what it expects, on a machine however busy.
const generously = 60 * time.Second

const loopback = "/ip4/127.0.0.1/tcp/0"

// asProgram in the environment makes the test binary the program itself.
const asProgram = "GRAPEVINE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// command is the program with arguments, in an environment without other settings.
func command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "GRAPEVINE_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, asProgram+"=1", "GRAPEVINE_LISTEN="+loopback)
	return cmd
}

// event is one line of --json.
type event map[string]any

func (e event) list(name string) (out []string) {
	values, _ := e[name].([]any)
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// running is the program with --json.
type running struct {
	t      *testing.T
	cmd    *exec.Cmd
	events chan event // closed at its end
}

func run(t *testing.T, args ...string) *running {
	t.Helper()
	cmd := command(t, append([]string{"--json"}, args...)...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := &running{t, cmd, make(chan event, 10_000)}
	go func() {
		defer close(r.events)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			var e event
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				r.events <- e
			}
		}
	}()
	t.Cleanup(r.kill)
	return r
}

// kill is kill -9.
func (r *running) kill() {
	if r.cmd.ProcessState == nil {
		_ = r.cmd.Process.Kill()
		for range r.events {
		}
		_ = r.cmd.Wait()
	}
}

// wait returns the next event of a kind for which ok holds.
func (r *running) wait(kind string, ok func(event) bool) event {
	r.t.Helper()
	late := time.After(generously)
	for {
		select {
		case e, open := <-r.events:
			switch {
			case !open:
				r.t.Fatalf("it ended without the event %q", kind)
			case e["event"] == kind && (ok == nil || ok(e)):
				return e
			}
		case <-late:
			r.t.Fatalf("no event %q", kind)
		}
	}
}

// events runs the program to its end and returns its events of some kinds, and whether
// it succeeded.
func events(t *testing.T, kinds []string, args ...string) (found []event, ok bool) {
	t.Helper()
	r := run(t, args...)
	for e := range r.events {
		if slices.Contains(kinds, e["event"].(string)) {
			found = append(found, e)
		}
	}
	return found, r.cmd.Wait() == nil
}

// serving is a running "share serve".
type serving struct {
	*running
	id, addr string
}

func serve(t *testing.T, folder string, args ...string) *serving {
	t.Helper()
	s := &serving{running: run(t, append([]string{"serve", folder, "--data", t.TempDir()}, args...)...)}
	node := s.wait("node", nil)
	s.id, s.addr = node["id"].(string), node.list("addrs")[0]
	s.wait("shared", nil)
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

	first := serve(t, one)
	second := serve(t, two, "--peer", first.addr)
	data, to := t.TempDir(), t.TempDir()
	with := func(args ...string) []string { return append(args, "--data", data, "--peer", first.addr) }

	found, ok := events(t, []string{"hit"}, with("search", "--max=1", "NINAR", "canc\u0327a\u0303o")...)
	if !ok || len(found) != 1 || found[0]["name"] != "Canção de Ninar.mp3" || found[0]["holder"] != second.id || found[0]["bytes"] != float64(len(song)) {
		t.Errorf("search: %v, %v", ok, found)
	}
	found, ok = events(t, []string{"file", "searched"}, with("search", "--max=3", "2026")...)
	if len(found) != 3 || found[2]["files"] != 2.0 || found[2]["holders"] != 2.0 || !ok {
		t.Errorf("search: %v, %v", ok, found)
	}

	id := ""
	for _, f := range found {
		if f["name"] == "Filmes/Férias 2026.mkv" {
			id = f["id"].(string)
		}
	}
	got, ok := events(t, []string{"got"}, with("get", id, "--to", to)...)
	if !ok || len(got) != 1 {
		t.Fatalf("get: %v, %v", ok, got)
	}
	same(t, got[0]["path"].(string), film)

	got, ok = events(t, []string{"got"}, with("get", "ninar", "--to", filepath.Join(to, "song"))...)
	if !ok || len(got) != 1 {
		t.Fatalf("get by words: %v, %v", ok, got)
	}
	same(t, filepath.Join(to, "song"), song)
	if left, _ := filepath.Glob(filepath.Join(to, "*"+partSuffix+"*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
}

// A file that is added, changed and removed is found accordingly.
func TestFolderChanges(t *testing.T) {
	folder := t.TempDir()
	s := serve(t, folder)
	has := func(files, bytes int) func(event) bool {
		return func(e event) bool { return e["files"] == float64(files) && e["bytes"] == float64(bytes) }
	}
	write(t, filepath.Join(folder, "a.txt"), []byte("one"))
	s.wait("shared", has(1, 3))
	write(t, filepath.Join(folder, "b.txt"), []byte("two"))
	s.wait("shared", has(2, 6))
	write(t, filepath.Join(folder, "a.txt"), []byte("three"))
	s.wait("shared", has(2, 8))
	if err := os.Remove(filepath.Join(folder, "b.txt")); err != nil {
		t.Fatal(err)
	}
	s.wait("shared", has(1, 5))
	found, ok := events(t, []string{"file"}, "search", "txt", "--max=1", "--data", t.TempDir(), "--peer", s.addr)
	if !ok || len(found) != 1 || found[0]["bytes"] != 5.0 {
		t.Errorf("%v, %v", ok, found)
	}
}

// What a person reads: results on standard output, one clear error, and the exit code.
func TestForAPerson(t *testing.T) {
	folder, data, to := t.TempDir(), t.TempDir(), t.TempDir()
	write(t, filepath.Join(folder, "one note.txt"), []byte("hello"))
	write(t, filepath.Join(folder, "two note.txt"), []byte("hello you"))
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
		{"again", []string{"get", "one", "--to", to}, 1, "is there already; --force replaces it"},
		{"force", []string{"get", "one", "--to", to, "--force"}, 0, "got " + file},
		{"several", []string{"get", "note", "--to", to}, 1, `"note" names 2 files: choose one by its ID`},
		{"nothing", []string{"search", "absent", "--timeout=100ms"}, 1, `search for "absent": nothing found`},
		{"no such ID", []string{"get", strings.Repeat("ab", 32), "--timeout=100ms"}, 1, "nothing found"},
		{"too many", []string{"search", "--max=1000", "x"}, 2, "--max: want 1 to 200"},
		{"no time", []string{"search", "--timeout=-1s", "x"}, 2, "--timeout: -1s is below zero"},
		{"no time to get", []string{"get", "--timeout=-1s", "x"}, 2, "--timeout: -1s is below zero"},
		{"no words", []string{"search", "--", "--"}, 1, "neither a key nor a word"},
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
			cmd := command(t, append([]string{"--data", data, "--peer", s.addr}, c.args...)...)
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d: %s", code, c.code, stderr.String())
			}
			said := stdout.String()
			if c.code != 0 {
				said = stderr.String()
			}
			if !strings.Contains(said, c.says) {
				t.Errorf("said %q, want %q", said, c.says)
			}
			if c.code == 0 && stderr.Len() > 0 || c.code == 1 && strings.Count(stderr.String(), "\n") != 1 {
				t.Errorf("on standard error: %q", stderr.String())
			}
		})
	}
	same(t, file, []byte("hello"))
}
