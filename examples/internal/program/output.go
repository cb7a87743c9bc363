package program

import (
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/grapevine-p2p/grapevine/internal/display"
)

// Output is where a program tells what happens: readable lines for a person, or one JSON
// object per line. It is safe for concurrent use.
type Output struct {
	json     bool
	terminal bool // progress is shown, on stderr

	mu     sync.Mutex
	stdout io.Writer
	stderr io.Writer
	bar    *Progress // the one that is shown
}

// Fields are what a JSON line holds. Values are encoded by package encoding/json.
type Fields map[string]any

func newOutput(stdout, stderr io.Writer, asJSON bool) *Output {
	return &Output{
		json: asJSON, terminal: !asJSON && isTerminal(stderr),
		stdout: stdout, stderr: stderr,
	}
}

// JSON reports whether the output is for a machine.
func (o *Output) JSON() bool { return o.json }

// Print prints an event: to a machine as the fields and the event's name, to a person as
// the formatted text. What in the text came from others cannot harm the terminal.
func (o *Output) Print(event string, fields Fields, format string, args ...any) {
	var line []byte
	if o.json {
		all := Fields{"event": event}
		for k, v := range fields {
			all[k] = v
		}
		var err error
		if line, err = json.Marshal(all); err != nil {
			panic(fmt.Sprintf("event %q cannot be encoded: %v", event, err))
		}
	} else {
		line = []byte(display.Text(fmt.Sprintf(format, args...)))
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bar.hide()
	// A reader that has gone away ends the process by a signal; nothing else can be done.
	_, _ = o.stdout.Write(append(line, '\n'))
}

// Detail prints a line for a person only.
func (o *Output) Detail(format string, args ...any) {
	if !o.json {
		o.Print("", nil, format, args...)
	}
}

// fail tells a machine why the program ends; a person reads it on standard error.
func (o *Output) fail(err error) {
	if o.json {
		o.Print("error", Fields{"ok": false, "error": err.Error()}, "")
	}
}
