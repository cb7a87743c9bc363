package program

import (
	"bufio"
	"errors"
	"io"
	"os"

	"golang.org/x/term"
)

// maxLine bounds a line of input; a longer one ends the input with an error.
const maxLine = 1 << 20

// Input are the lines that a person types, or that another program writes. On a
// terminal they can be edited, and what is printed meanwhile through the Output stays
// readable: the line being typed moves below it.
type Input struct {
	// Lines is closed at the end of the input.
	Lines <-chan string
	// Terminal tells that a person types.
	Terminal bool

	out     *Output
	err     error // why Lines was closed; read after that
	stopped chan struct{}
	restore func() error
	screen  *term.Terminal
}

// ReadLines begins to read standard input. The prompt is shown on a terminal. It is
// called once, and the Input closed at the end; a goroutine that waits for standard
// input then goes on until the process ends.
func (o *Output) ReadLines(prompt string) (*Input, error) {
	lines := make(chan string)
	in := &Input{Lines: lines, out: o, stopped: make(chan struct{}), restore: func() error { return nil }}
	next := scan(os.Stdin)
	if !o.json && isTerminal(os.Stdin) && isTerminal(os.Stdout) {
		before, err := term.MakeRaw(int(os.Stdin.Fd()))
		if err != nil {
			return nil, err
		}
		in.Terminal = true
		in.restore = func() error { return term.Restore(int(os.Stdin.Fd()), before) }
		in.screen = term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{os.Stdin, os.Stdout}, prompt)
		if width, height, err := term.GetSize(int(os.Stdout.Fd())); err == nil {
			_ = in.screen.SetSize(width, height)
		}
		next = in.screen.ReadLine
		o.redirect(in.screen)
	}
	go func() {
		defer close(lines)
		for {
			line, err := next()
			if errors.Is(err, term.ErrPasteIndicator) {
				err = nil
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					in.err = err
				}
				return
			}
			select {
			case lines <- line:
			case <-in.stopped:
				return
			}
		}
	}()
	return in, nil
}

// SetPrompt changes what is shown before the line that is typed.
func (in *Input) SetPrompt(prompt string) {
	if in.screen != nil {
		in.screen.SetPrompt(prompt)
	}
}

// Err is why the input ended early; it is asked after Lines was closed.
func (in *Input) Err() error { return in.err }

// Close gives the terminal back.
func (in *Input) Close() error {
	close(in.stopped)
	if in.screen != nil {
		in.screen.SetPrompt("")
		_, _ = in.screen.Write(nil) // draws the line again, without the prompt
		in.out.redirect(os.Stdout)
	}
	return in.restore()
}

// scan returns the lines of r one by one.
func scan(r io.Reader) func() (string, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	return func() (string, error) {
		if s.Scan() {
			return s.Text(), nil
		}
		if err := s.Err(); err != nil {
			return "", err
		}
		return "", io.EOF
	}
}

// redirect prints to w from now on.
func (o *Output) redirect(w io.Writer) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.stdout = w
}
