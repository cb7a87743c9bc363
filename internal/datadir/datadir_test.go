package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
)

func openDir(t *testing.T, root string, opts ...Option) *Dir {
	t.Helper()
	d, err := Open(root, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// wantRefusal checks that an error is one clear sentence: it names what it is about
// and what to do.
func wantRefusal(t *testing.T, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("not refused")
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not say %q", err, part)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("error has several lines: %q", err)
	}
}

func TestOpenNew(t *testing.T) {
	root := filepath.Join(t.TempDir(), "deep", "data")
	d := openDir(t, root)
	if d.Root() != root {
		t.Errorf("Root: %q", d.Root())
	}
	for _, name := range []string{"", "node", "chat", "backup", "server"} {
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if !info.IsDir() || runtime.GOOS != "windows" && info.Mode().Perm() != 0o700 {
			t.Errorf("%q: mode %v", name, info.Mode())
		}
	}
	version, err := os.ReadFile(filepath.Join(root, "VERSION"))
	if err != nil || string(version) != "1\n" {
		t.Errorf("VERSION %q, %v", version, err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	openDir(t, root)
}

func TestOpenTwice(t *testing.T) {
	root := t.TempDir()
	d := openDir(t, root)
	_, err := Open(root)
	if !errors.Is(err, ErrInUse) {
		t.Errorf("second Open: %v", err)
	}
	wantRefusal(t, err, fmt.Sprintf("%q", root), "another folder")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	openDir(t, root)
}

// TestOpenElsewhere opens a folder from a second process, which is this test again.
func TestOpenElsewhere(t *testing.T) {
	if root := os.Getenv("DATADIR_TEST_ROOT"); root != "" {
		if _, err := Open(root); !errors.Is(err, ErrInUse) {
			t.Fatalf("opened what another process has open: %v", err)
		}
		return
	}
	root := t.TempDir()
	openDir(t, root)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestOpenElsewhere$")
	cmd.Env = append(os.Environ(), "DATADIR_TEST_ROOT="+root)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestVersionRefused(t *testing.T) {
	for content, say := range map[string]string{
		"2\n":                     "newer version",
		"999999":                  "newer version",
		"0\n":                     "not a format number",
		"":                        "not a format number",
		"one":                     "not a format number",
		"\x00\x00":                "not a format number",
		strings.Repeat("1", 1000): "too large",
		"99999999999999999999":    "not a format number",
	} {
		root := t.TempDir()
		openDir(t, root).Close()
		if err := os.WriteFile(filepath.Join(root, "VERSION"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(root)
		wantRefusal(t, err, say, filepath.Base(root))
		if got, _ := os.ReadFile(filepath.Join(root, "VERSION")); string(got) != content {
			t.Errorf("VERSION %q was changed to %q", content, got)
		}
	}
}

func TestNotADataFolder(t *testing.T) {
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "backup"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := Open(root)
	wantRefusal(t, err, "no VERSION file", "choose another")
	if _, err := os.Stat(filepath.Join(root, "VERSION")); err == nil {
		t.Error("VERSION was written")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(file)
	wantRefusal(t, err, "file is in its place")
	_, err = Open("")
	wantRefusal(t, err, "no name")
}

func TestMigrate(t *testing.T) {
	root := t.TempDir()
	openDir(t, root).Close()
	note := func(s string) migration {
		return func(fsys durable.FS, root string) error {
			name := filepath.Join(root, "notes")
			old, err := durable.ReadFile(fsys, name, 100)
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			return durable.WriteFile(fsys, name, append(old, s...), 0o600)
		}
	}
	errStuck := errors.New("stuck")
	stuck := func(durable.FS, string) error { return errStuck }
	_, err := open(root, []migration{note("a"), stuck})
	if !errors.Is(err, errStuck) {
		t.Fatalf("failing step: %v", err)
	}
	wantRefusal(t, err, "from format 2 to 3")
	// The step that was done is not done again.
	d, err := open(root, []migration{note("a"), note("b"), note("c")})
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
	notes, _ := os.ReadFile(filepath.Join(root, "notes"))
	version, _ := os.ReadFile(filepath.Join(root, "VERSION"))
	if string(notes) != "abc" || string(version) != "4\n" {
		t.Errorf("steps %q, VERSION %q", notes, version)
	}
	_, err = Open(root)
	wantRefusal(t, err, "newer version")
}

func TestFolderOpenToOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	root := t.TempDir()
	d := openDir(t, root)
	d.Close()
	if err := os.Chmod(d.Path(Node), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := Open(root)
	wantRefusal(t, err, d.Path(Node), "0755", "chmod 700")
}

// Whichever operation fails, the folder opens and has a key afterwards.
func TestOpenErrors(t *testing.T) {
	errInjected := errors.New("injected")
	for n := 1; ; n++ {
		root := filepath.Join(t.TempDir(), "data")
		failing, count := durabletest.FailAt(durable.OS{}, n, errInjected)
		d, err := Open(root, WithFS(failing))
		if err == nil {
			_, err = d.Key(Node)
			d.Close()
		}
		if count() < n {
			if err != nil || n < 30 {
				t.Fatalf("%d operations, error %v", n, err)
			}
			return
		}
		if !errors.Is(err, errInjected) {
			t.Errorf("operation %d: %v", n, err)
		}
		d = openDir(t, root)
		if _, err := d.Key(Node); err != nil {
			t.Errorf("after operation %d failed: %v", n, err)
		}
		if names, _ := os.ReadDir(d.Path(Node)); len(names) != 1 {
			t.Errorf("after operation %d failed: %v is left", n, names)
		}
	}
}

func TestDefault(t *testing.T) {
	t.Setenv("HOME", "/home/somebody")
	for xdg, want := range map[string]string{
		"":         "/home/somebody/.local/share",
		"/data":    "/data",
		"relative": "/home/somebody/.local/share",
	} {
		t.Setenv("XDG_DATA_HOME", xdg)
		got, err := defaultBase("linux")
		if runtime.GOOS != "windows" && (err != nil || got != want) {
			t.Errorf("XDG_DATA_HOME=%q: %q, %v", xdg, got, err)
		}
	}
	if got, err := Default(); err != nil || filepath.Base(got) != "grapevine" {
		t.Errorf("Default: %q, %v", got, err)
	}
}
