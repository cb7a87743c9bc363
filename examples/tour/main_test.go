package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestMain makes the test binary the program when it is asked to be.
func TestMain(m *testing.M) {
	if os.Getenv("TOUR_AS_PROGRAM") != "" {
		main()
	}
	os.Exit(m.Run())
}

func tour(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "TOUR_AS_PROGRAM=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func TestTour(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "papers")
	if err := os.MkdirAll(filepath.Join(folder, "in", "depth"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int{"empty": 0, "small": 100, "in/depth/large": 3 << 20} {
		if err := os.WriteFile(filepath.Join(folder, name), bytes.Repeat([]byte{'x'}, size), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stdout, stderr, err := tour(t, "--json", folder)
	if err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	if stderr != "" {
		t.Errorf("noise on standard error: %s", stderr)
	}
	var events []string
	var last map[string]any
	for line := range strings.Lines(stdout) {
		last = nil
		if err := json.Unmarshal([]byte(line), &last); err != nil {
			t.Fatalf("no JSON: %s", line)
		}
		events = append(events, last["event"].(string))
		if last["event"] == "restore" && (last["files"] != 3.0 || last["identical"] != true) {
			t.Errorf("restored: %s", line)
		}
	}
	if got, want := strings.Join(events, " "), "servers peers chat backup disaster restore end"; got != want {
		t.Errorf("steps %q, want %q", got, want)
	}
	if last["ok"] != true {
		t.Errorf("ended with %v", last)
	}
}

func TestTourOfNothing(t *testing.T) {
	for folder, say := range map[string]string{
		filepath.Join(t.TempDir(), "absent"): "is no folder",
		t.TempDir():                          "holds no file",
	} {
		stdout, stderr, err := tour(t, folder)
		if err == nil || !strings.Contains(stderr, say) || stdout != "" {
			t.Errorf("%v: %s%s", err, stdout, stderr)
		}
	}
}

func TestDifferentFilesAreNoticed(t *testing.T) {
	want := map[string]string{"a": "1", "b": "2"}
	for _, got := range []map[string]string{
		{"a": "1"}, {"a": "1", "b": "3"}, {"a": "1", "c": "2"}, {"a": "1", "b": "2", "c": "3"},
	} {
		if same(want, got) == nil {
			t.Errorf("%v passes for %v", got, want)
		}
	}
	if err := same(want, map[string]string{"b": "2", "a": "1"}); err != nil {
		t.Error(err)
	}
}
