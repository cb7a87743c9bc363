package program

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/grapevine-p2p/grapevine/internal/display"
)

// redraw is how often a bar is drawn at most: smooth to the eye, cheap over ssh.
const redraw = 100 * time.Millisecond

// Progress tells a person how far a long work is: bytes, rate and the time left, on
// standard error if that is a terminal. It is safe for concurrent use.
type Progress struct {
	out *Output
	bar *progressbar.ProgressBar // nil if it is not shown
}

// Progress begins to show a work of so many bytes; a total of -1 is not known. One is
// shown at a time: a new one takes the place of the one before. End it with Done.
func (o *Output) Progress(what string, total int64) *Progress { return o.progress(what, total, true) }

// Steps is as Progress, for a work of so many steps.
func (o *Output) Steps(what string, total int64) *Progress { return o.progress(what, total, false) }

func (o *Output) progress(what string, total int64, bytes bool) *Progress {
	p := &Progress{out: o}
	if !o.terminal {
		return p
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bar.hide()
	options := []progressbar.Option{
		progressbar.OptionSetWriter(o.stderr),
		progressbar.OptionSetDescription(display.Line(what)),
		progressbar.OptionThrottle(redraw),
		progressbar.OptionClearOnFinish(),
		progressbar.OptionFullWidth(),
		progressbar.OptionSetSpinnerChangeInterval(0), // drawn by Add alone, so no goroutine
	}
	if bytes {
		options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true))
	} else {
		options = append(options, progressbar.OptionShowCount())
	}
	p.bar = progressbar.NewOptions64(total, options...)
	p.bar.StartWithoutRender() // else what comes first came in no time, at so many GiB/s
	o.bar = p
	return p
}

// Add tells that n more bytes are done.
func (p *Progress) Add(n int64) {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	if p.bar != nil && p.out.bar == p {
		_ = p.bar.Add64(n) // a terminal that cannot be written to
	}
}

// Write tells that len(data) more bytes are done, so that a Progress can be one of the
// writers of an io.MultiWriter or the side of an io.TeeReader.
func (p *Progress) Write(data []byte) (int, error) {
	p.Add(int64(len(data)))
	return len(data), nil
}

// Done stops showing it.
func (p *Progress) Done() {
	p.out.mu.Lock()
	defer p.out.mu.Unlock()
	if p.out.bar == p {
		p.hide()
		p.out.bar = nil
	}
}

// hide clears the bar's line; the next Add draws it again. out.mu is held.
func (p *Progress) hide() {
	if p != nil && p.bar != nil {
		_ = p.bar.Clear()
	}
}

// endProgress clears a bar that was left at the program's end.
func (o *Output) endProgress() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.bar.hide()
	o.bar = nil
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
