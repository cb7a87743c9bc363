package durable_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
)

var errInjected = errors.New("injected")

// state returns the content of name, "" if it is not there.
func state(t *testing.T, fsys durable.FS, name string) string {
	t.Helper()
	data, err := durable.ReadFile(fsys, name, 1<<20)
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Contents of several blocks, so that a power cut can keep some of them.
var (
	oldContent = strings.Repeat("old ", 3000)
	newContent = strings.Repeat("new content ", 2000)
)

// startWith returns a file system whose file "/f" durably holds content, or is not
// there if that is "".
func startWith(t *testing.T, content string) *durabletest.Mem {
	t.Helper()
	mem := durabletest.NewMem()
	if content != "" {
		if err := durable.WriteFile(mem, "/f", []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return mem
}

func TestWriteFileErrors(t *testing.T) {
	for _, old := range []string{"", oldContent} {
		for n := 1; ; n++ {
			mem := startWith(t, old)
			failing, count := durabletest.FailAt(mem, n, errInjected)
			err := durable.WriteFile(failing, "/f", []byte(newContent), 0o600)
			got := state(t, mem, "/f")
			if count() < n { // nothing failed any more
				if err != nil || got != newContent {
					t.Fatalf("without a fault: %v", err)
				}
				if n < 6 {
					t.Fatalf("only %d operations", n-1)
				}
				break
			}
			if !errors.Is(err, errInjected) {
				t.Errorf("operation %d: error %v", n, err)
			}
			if got != old && got != newContent {
				t.Errorf("operation %d: content is neither old nor new: %.20q...", n, got)
			}
			if names, _ := mem.List("/"); len(names) > 1 || len(names) == 1 && names[0] != "f" {
				t.Errorf("operation %d: left %q", n, names)
			}
		}
	}
}

func TestWriteFilePowerCut(t *testing.T) {
	for _, old := range []string{"", oldContent} {
		mem := startWith(t, old)
		step, sawOld, sawNew := 0, false, false
		check := func(percent int, clone *durabletest.Mem) {
			switch got := state(t, clone, "/f"); got {
			case old:
				sawOld = true
			case newContent:
				sawNew = true
			default:
				t.Errorf("step %d, %d %%: content is neither old nor new: %.20q...", step, percent, got)
			}
			if err := durable.RemoveTemp(clone, "/"); err != nil {
				t.Error(err)
			}
			if names, _ := clone.List("/"); len(names) > 1 {
				t.Errorf("step %d: %q left after RemoveTemp", step, names)
			}
		}
		watched := durabletest.Wrap(mem, func(durabletest.Op) error {
			step++
			for seed := range uint64(8) {
				for _, percent := range []int{0, 50, 100} {
					check(percent, mem.Crash(percent, seed))
				}
			}
			return nil
		})
		if err := durable.WriteFile(watched, "/f", []byte(newContent), 0o600); err != nil {
			t.Fatal(err)
		}
		if !sawOld || !sawNew {
			t.Errorf("power cuts showed old: %v, new: %v", sawOld, sawNew)
		}
		if got := state(t, mem.Crash(0, 0), "/f"); got != newContent {
			t.Error("not durable after WriteFile returned")
		}
	}
}

// The suite must see what the pattern is for: without it, content is torn.
func TestPowerCutTearsPlainWrite(t *testing.T) {
	mem := durabletest.NewMem()
	f, err := mem.Create("/f", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(newContent)); err != nil {
		t.Fatal(err)
	}
	torn := false
	for seed := range uint64(32) {
		got := state(t, mem.Crash(50, seed), "/f")
		torn = torn || got != "" && got != newContent
	}
	if !torn {
		t.Error("a plain write was never torn")
	}
}

func TestMkdirAllPowerCut(t *testing.T) {
	mem := durabletest.NewMem()
	if err := durable.MkdirAll(mem, "/a/b/c", 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := mem.Crash(0, 0).Stat("/a/b/c"); err != nil {
		t.Error(err)
	}
	if err := durable.WriteFile(mem, "/a/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := durable.MkdirAll(mem, "/a/file/x", 0o700); err == nil {
		t.Error("made a folder below a file")
	}
}

func TestReadFileLimit(t *testing.T) {
	mem := startWith(t, "12345")
	if got, err := durable.ReadFile(mem, "/f", 5); err != nil || string(got) != "12345" {
		t.Errorf("at the limit: %q, %v", got, err)
	}
	if _, err := durable.ReadFile(mem, "/f", 4); !errors.Is(err, durable.ErrTooLarge) {
		t.Errorf("over the limit: %v", err)
	}
}

func TestPendingAbort(t *testing.T) {
	mem := startWith(t, "old")
	p, err := durable.NewPending(mem, "/f", 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if err := p.Abort(); err != nil {
		t.Fatal(err)
	}
	if names, _ := mem.List("/"); len(names) != 1 || state(t, mem, "/f") != "old" {
		t.Errorf("after Abort: %q", names)
	}
}
