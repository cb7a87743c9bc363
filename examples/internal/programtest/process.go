package programtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// Event is one line of what a program prints with --json.
type Event map[string]any

// Kind is what the event is called.
func (e Event) Kind() string { return fmt.Sprint(e["event"]) }

// Strings is a field that is a list.
func (e Event) Strings(field string) (out []string) {
	values, _ := e[field].([]any)
	for _, v := range values {
		out = append(out, fmt.Sprint(v))
	}
	return out
}

// Process is the program while it runs with --json. Start makes it.
type Process struct {
	t      *testing.T
	cmd    *exec.Cmd
	events chan Event // closed at its end
}

// Start starts the program, which is killed at the end of the test at the latest.
func Start(t *testing.T, args ...string) *Process {
	t.Helper()
	cmd := Command(t, append([]string{"--json"}, args...)...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Process{t, cmd, make(chan Event, 10_000)}
	go func() {
		defer close(p.events)
		for r := bufio.NewReader(stdout); ; {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return // and what is left of a line when it is killed
			}
			var e Event
			if err := json.Unmarshal(line, &e); err != nil {
				t.Errorf("line %q: %v", line, err)
				continue
			}
			p.events <- e
		}
	}()
	t.Cleanup(p.Kill)
	return p
}

// Kill is kill -9.
func (p *Process) Kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		for range p.events {
		}
		_ = p.cmd.Wait()
	}
}

// Wait returns the next event of a kind for which ok holds; nil: the next one.
func (p *Process) Wait(kind string, ok func(Event) bool) Event {
	p.t.Helper()
	late := time.After(Patience)
	for {
		select {
		case e, open := <-p.events:
			switch {
			case !open:
				p.t.Fatalf("it ended without the event %q", kind)
			case e.Kind() == kind && (ok == nil || ok(e)):
				return e
			}
		case <-late:
			p.t.Fatalf("no event %q", kind)
		}
	}
}

// Events runs the program to its end with --json, and returns its events of some kinds
// and whether it succeeded.
func Events(t *testing.T, kinds []string, args ...string) (found []Event, ok bool) {
	t.Helper()
	p := Start(t, args...)
	for e := range p.events {
		if slices.Contains(kinds, e.Kind()) {
			found = append(found, e)
		}
	}
	return found, p.cmd.Wait() == nil
}
