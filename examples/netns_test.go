//go:build netns && linux

package examples_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// lab is a network of machines, each a network namespace of its own, on one switch.
// Its addresses look public, as those of strangers do.
type lab struct {
	t    *testing.T
	name string
	bin  string
}

func newLab(t *testing.T, machines int) lab {
	t.Helper()
	l := lab{t, fmt.Sprintf("gv%d", os.Getpid()), t.TempDir()}
	t.Cleanup(func() {
		for i := range machines + 1 {
			_ = exec.Command("ip", "netns", "del", l.host(i)).Run()
		}
	})
	l.ip("netns add %s", l.host(0)) // the switch
	l.ip("-n %s link add br0 type bridge", l.host(0))
	l.ip("-n %s link set br0 up", l.host(0))
	for i := 1; i <= machines; i++ {
		l.ip("netns add %s", l.host(i))
		l.ip("-n %s link set lo up", l.host(i))
		l.ip("-n %s link add port%d type veth peer name eth0 netns %s", l.host(0), i, l.host(i))
		l.ip("-n %s addr add 11.0.0.%d/24 dev eth0", l.host(i), i)
		l.ip("-n %s link set eth0 up", l.host(i))
		l.ip("-n %s link set port%d master br0 up", l.host(0), i)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", l.bin+"/", "./bootstrap", "./chat")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return l
}

func (l lab) host(i int) string { return fmt.Sprintf("%s-%d", l.name, i) }

func (l lab) ip(format string, args ...any) {
	l.t.Helper()
	command := fmt.Sprintf(format, args...)
	if out, err := exec.Command("ip", strings.Fields(command)...).CombinedOutput(); err != nil {
		l.t.Fatalf("ip %s: %v: %s", command, err, out)
	}
}

// cable pulls a machine's cable, or puts it back.
func (l lab) cable(machine int, state string) {
	l.ip("-n %s link set port%d %s", l.host(0), machine, state)
}

// process is a program that runs on a machine of the lab.
type process struct {
	t     *testing.T
	name  string
	stdin io.WriteCloser
	stop  func()

	mu    sync.Mutex
	lines []string
}

func (l lab) run(machine int, program string, args ...string) *process {
	l.t.Helper()
	ctx, stop := context.WithCancel(l.t.Context())
	args = append([]string{"netns", "exec", l.host(machine), filepath.Join(l.bin, program), "--data", filepath.Join(l.t.TempDir(), program)}, args...)
	cmd := exec.CommandContext(ctx, "ip", args...)
	p := &process{t: l.t, name: fmt.Sprintf("%s on machine %d", program, machine)}
	out, err := cmd.StdoutPipe()
	if err != nil {
		l.t.Fatal(err)
	}
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		l.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		l.t.Fatal(err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			p.mu.Lock()
			p.lines = append(p.lines, lines.Text())
			p.mu.Unlock()
		}
	}()
	p.stop = sync.OnceFunc(func() {
		stop() // kill -9
		<-read
		_ = cmd.Wait()
	})
	l.t.Cleanup(p.stop)
	return p
}

func (p *process) say(line string) {
	p.t.Helper()
	if _, err := fmt.Fprintln(p.stdin, line); err != nil {
		p.t.Fatal(err)
	}
}

func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

// shows waits until the program has printed something.
func (p *process) shows(text string) {
	p.t.Helper()
	late := time.NewTimer(2 * patience)
	defer late.Stop()
	every := time.NewTicker(50 * time.Millisecond)
	defer every.Stop()
	for !strings.Contains(p.output(), text) {
		select {
		case <-every.C:
		case <-late.C:
			p.t.Fatalf("%s does not show %q:\n%s", p.name, text, p.output())
		}
	}
}

// Two people on machines of their own chat; the server is killed; a cable is pulled in
// the middle of talk and put back. No message is lost.
func TestChatOverAPulledCable(t *testing.T) {
	l := newLab(t, 3)
	server := l.run(1, "bootstrap")
	server.shows("serving network")
	address, _, _ := strings.Cut(server.output(), "\n")
	if !strings.HasPrefix(address, "/ip4/11.0.0.1/tcp/4001/p2p/") {
		t.Fatalf("the server's first line is %q", address)
	}
	ana := l.run(2, "chat", "--name", "ana", "--bootstrap", address)
	ana.shows("nobody else is online")
	bruno := l.run(3, "chat", "--name", "bruno", "--bootstrap", address)
	ana.shows("bruno")
	ana.say("bruno")
	ana.say("hello over there")
	bruno.shows(": hello over there")

	server.stop()
	ana.shows("no bootstrap server answers any more")
	ana.say("no server is needed")
	bruno.shows(": no server is needed")

	l.cable(3, "down")
	ana.say("said into the dark")
	ana.shows("is disconnected")
	l.cable(3, "up")
	bruno.shows(": said into the dark")
	if n := strings.Count(bruno.output(), "said into the dark"); n != 1 {
		t.Errorf("shown %d times:\n%s", n, bruno.output())
	}
}
