package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pane is a terminal in which a shell runs.
type pane struct {
	t   *testing.T
	env []string
}

// terminal opens a pane whose shell has the environment env and works in folder, where
// tmux has its socket too.
func terminal(t *testing.T, folder string, env ...string) *pane {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux is not installed")
	}
	p := &pane{t, append(os.Environ(), append(env, "TMUX_TMPDIR="+folder, "ENV=", "LC_ALL=C.UTF-8")...)}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the terminal shows:\n%s", p.screen())
		}
		_, _ = p.tmux("kill-server")
	})
	p.does("-f", os.DevNull, "-u", "new-session", "-d", "-x", "150", "-y", "50", "-c", folder, "sh")
	p.enter("PS1='shell$ '")
	p.shows("a shell", func(screen string) bool { return strings.HasSuffix(screen, "shell$") }) // keys may be there before it
	return p
}

// tmux runs a command of a tmux server of this test alone.
func (p *pane) tmux(args ...string) (string, error) {
	cmd := exec.Command("tmux", append([]string{"-L", "test"}, args...)...)
	cmd.Env = p.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("tmux %q: %w\n%s", args, err, out)
	}
	return string(out), nil
}

func (p *pane) does(args ...string) {
	p.t.Helper()
	if _, err := p.tmux(args...); err != nil {
		p.t.Fatal(err)
	}
}

// screen is what a person sees.
func (p *pane) screen() string {
	out, err := p.tmux("capture-pane", "-p", "-J")
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(out)
}

func (p *pane) keys(text string)  { p.t.Helper(); p.does("send-keys", "-l", text) }
func (p *pane) enter(text string) { p.t.Helper(); p.keys(text); p.does("send-keys", "Enter") }

// shows waits until the screen is as it should be.
func (p *pane) shows(what string, good func(screen string) bool) {
	p.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for !good(p.screen()) {
		select {
		case <-look.C:
		case <-late.C:
			p.t.Fatalf("the terminal does not show %s within %v", what, patience)
		}
	}
}

// last is the line where the cursor is.
func last(screen string) string {
	return strings.TrimSpace(screen[strings.LastIndexByte(screen, '\n')+1:])
}

func TestOnATerminal(t *testing.T) {
	t.Parallel()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	_, addr := server(t)
	bob := chatter(t, "bob", "--bootstrap", addr)
	bob.sees("nobody else is online")

	work := t.TempDir()
	p := terminal(t, work, "CHAT="+filepath.Join(folder, "chat"), "SERVER="+addr)
	p.enter(`stty -g >before; "$CHAT" --data data --listen /ip4/127.0.0.1/tcp/0 --name alice --bootstrap "$SERVER"; echo "code $?"; stty -g >after`)
	p.shows("who is online and a prompt", func(screen string) bool {
		_, list, found := strings.Cut(screen, "online (from the bootstrap server")
		return found && strings.Contains(list, "\n  1  bob (…") && last(screen) == ">"
	})
	p.enter("1")
	p.shows("whom lines go to", func(screen string) bool { return last(screen) == "to bob>" })
	p.enter("hello bob")
	bob.sees("alice (…", ": hello bob")
	p.shows("what was sent", func(screen string) bool {
		return strings.Contains(screen, "\nto bob> hello bob\n") && last(screen) == "to bob>"
	})

	p.keys("half a li")
	p.shows("the line so far", func(screen string) bool { return last(screen) == "to bob> half a li" })
	bob.types("am I interrupting?")
	p.shows("bob's text above the line so far, once", func(screen string) bool {
		return strings.Contains(screen, "): am I interrupting?\n") && last(screen) == "to bob> half a li" &&
			strings.Count(screen, "half a li") == 1
	})
	p.enter("ne")
	if line := bob.sees("alice (…", ": half a li"); !strings.HasSuffix(line, ": half a line") {
		t.Errorf("bob sees %q", line)
	}

	p.enter("/quit")
	bob.sees("alice (…", "left the conversation")
	p.shows("the end and the shell", func(screen string) bool {
		return strings.Contains(screen, "\nbye\ncode 0\n") && last(screen) == "shell$"
	})
	p.keys("echo what is typed")
	p.shows("what is typed into the shell", func(screen string) bool { return last(screen) == "shell$ echo what is typed" })
	p.enter("")
	p.shows("what the shell says", func(screen string) bool { return strings.Contains(screen, "\nwhat is typed\n") })
	if before, after := contents(t, work, "before"), contents(t, work, "after"); before != after {
		t.Errorf("the terminal's settings were %s and are %s", before, after)
	}
}

func contents(t *testing.T, folder, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}
