package program

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"sync"
	"testing"
)

func TestPrintCleansForAPerson(t *testing.T) {
	var stdout bytes.Buffer
	out := newOutput(&stdout, io.Discard, false)
	out.Print("message", nil, "%s: %s", "eve\u202e", "\x1b[2Jhello\nthere")
	if got, want := stdout.String(), "eve: \uFFFD[2Jhello\nthere\n"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestPrintJSON(t *testing.T) {
	var stdout bytes.Buffer
	out := newOutput(&stdout, io.Discard, true)
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			out.Print("step", Fields{"n": i, "text": "a\nb\x1b"}, "ignored %d", i)
			out.Detail("ignored")
		})
	}
	wg.Wait()
	lines := strings.Split(strings.TrimSuffix(stdout.String(), "\n"), "\n")
	seen := map[float64]bool{}
	for _, line := range lines {
		var v struct {
			Event, Text string
			N           float64
		}
		if err := json.Unmarshal([]byte(line), &v); err != nil || v.Event != "step" || v.Text != "a\nb\x1b" {
			t.Fatalf("line %q: %v", line, err)
		}
		seen[v.N] = true
	}
	if len(seen) != 50 {
		t.Errorf("%d of 50 lines", len(seen))
	}
}

func TestProgress(t *testing.T) {
	var stdout, stderr bytes.Buffer
	out := newOutput(&stdout, &stderr, false)
	if out.terminal {
		t.Fatal("a buffer is no terminal")
	}
	p := out.Progress("quiet", 100)
	p.Add(50)
	p.Done()
	if stderr.Len() != 0 {
		t.Errorf("progress without a terminal: %q", stderr.String())
	}

	out.terminal = true
	p = out.Progress("sending \x1b[31mfile", 1<<20)
	if !p.bar.IsStarted() {
		t.Error("the rate is reckoned from the first bytes, not from the beginning")
	}
	if _, err := io.Copy(io.MultiWriter(io.Discard, p), bytes.NewReader(make([]byte, 1<<19))); err != nil {
		t.Fatal(err)
	}
	if got := stderr.String(); !strings.Contains(got, "50%") || !strings.Contains(got, "sending") || strings.Contains(got, "\x1b[31m") {
		t.Errorf("bar: %q", got)
	}
	steps := out.Steps("counting", 10)
	steps.Add(5)
	if got := stderr.String(); !strings.Contains(got, "5/10") || strings.Contains(got, "5/10 B") {
		t.Errorf("steps: %q", got)
	}
	out.Print("between", nil, "a line")
	q := out.Progress("another", -1)
	p.Add(1) // no longer shown
	q.Add(1)
	q.Done()
	q.Done()
	p.Done()
	out.endProgress()
	if stdout.String() != "a line\n" {
		t.Errorf("stdout %q", stdout.String())
	}
}
