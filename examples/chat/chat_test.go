package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait: far more than a busy machine needs.
const patience = 90 * time.Second

// programs is the folder of the programs under test, built once.
var programs = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "grapevine-chat-test")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"chat", "bootstrap"} {
		out, err := exec.Command("go", "build", "-o", filepath.Join(folder, name+suffix()), "../"+name).CombinedOutput()
		if err != nil {
			return folder, fmt.Errorf("build %s: %w\n%s", name, err, out)
		}
	}
	return folder, nil
})

func suffix() string {
	if runtime.GOOS == "windows" {
		return ".exe"
	}
	return ""
}

func TestMain(m *testing.M) {
	for _, kv := range os.Environ() { // the user's own settings are not under test
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "GRAPEVINE_") {
			os.Unsetenv(name)
		}
	}
	code := m.Run()
	if folder, _ := programs(); folder != "" {
		os.RemoveAll(folder)
	}
	os.Exit(code)
}

// process is a running program.
type process struct {
	t     *testing.T
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan string
	seen  []string
}

// start runs a program with pipes, on loopback, with a folder of its own.
func start(t *testing.T, program, name string, args ...string) *process {
	t.Helper()
	folder, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	args = append([]string{"--data", filepath.Join(t.TempDir(), name)}, args...)
	if !strings.Contains(strings.Join(args, " "), "--listen") {
		args = append(args, "--listen", "/ip4/127.0.0.1/tcp/0")
	}
	p := &process{t: t, name: name, cmd: exec.Command(filepath.Join(folder, program+suffix()), args...), lines: make(chan string, 10_000)}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(r); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
		w.Close()
		for line := range p.lines {
			p.seen = append(p.seen, line)
		}
		if t.Failed() {
			t.Logf("%s said:\n%s", name, strings.Join(p.seen, "\n"))
		}
	})
	return p
}

func chatter(t *testing.T, name string, args ...string) *process {
	t.Helper()
	return start(t, "chat", name, append([]string{"--name", name}, args...)...)
}

// sees waits for a line with all the parts, and drops those before it.
func (p *process) sees(parts ...string) string {
	p.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
next:
	for {
		select {
		case line, open := <-p.lines:
			if !open {
				p.t.Fatalf("%s ended and never said %q", p.name, parts)
			}
			p.seen = append(p.seen, line)
			for _, part := range parts {
				if !strings.Contains(line, part) {
					continue next
				}
			}
			return line
		case <-late.C:
			p.t.Fatalf("%s did not say %q within %v", p.name, parts, patience)
		}
	}
}

func (p *process) types(lines ...string) {
	p.t.Helper()
	if _, err := io.WriteString(p.stdin, strings.Join(lines, "\n")+"\n"); err != nil {
		p.t.Fatal(err)
	}
}

// exits waits for the end and checks the exit code.
func (p *process) exits(code int) {
	p.t.Helper()
	late := time.AfterFunc(patience, func() { _ = p.cmd.Process.Kill() })
	defer late.Stop()
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Errorf("%s ended with code %d, want %d", p.name, got, code)
	}
}

// server starts a bootstrap server and returns its first line.
func server(t *testing.T) (*process, string) {
	t.Helper()
	s := start(t, "bootstrap", "server")
	return s, s.sees("/p2p/")
}

func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	_ = p.cmd.Wait() // killed
}

func TestTwoTalkAndTheServerDies(t *testing.T) {
	t.Parallel()
	server, addr := server(t)
	alice := chatter(t, "alice", "--bootstrap", addr)
	alice.sees("using the bootstrap server", addr[:strings.Index(addr, "/p2p/")])
	alice.sees("nobody else is online", "from the bootstrap server")
	bob := chatter(t, "bob", "--bootstrap", addr)
	bob.sees("online (from the bootstrap server")
	bob.sees("1", "alice (…")
	alice.sees("+ 1 bob (…", "is online")

	bob.types("1", "hello alice \x1b[2J\u202e", "second line")
	alice.sees("bob (…", "opened a conversation with you")
	if line := alice.sees("bob (…", ": hello alice"); strings.ContainsAny(line, "\x1b\u202e") {
		t.Errorf("unsafe: %q", line)
	}
	alice.sees("bob (…", ": second line")
	alice.types("hello bob")
	bob.sees("alice (…", ": hello bob")

	server.kill()
	for _, p := range []*process{alice, bob} {
		p.sees("no bootstrap server answers any more", "the peers tell who is online")
	}
	alice.types("are you still there?")
	bob.sees(": are you still there?")
	bob.types("/who")
	bob.sees("online (from the peers themselves)")
	bob.sees("1", "alice (…")
	bob.types("yes, goodbye", "/quit")
	alice.sees(": yes, goodbye")
	bob.sees("bye")
	bob.exits(0)
	alice.sees("bob (…", "left the conversation")
	alice.sees("- 1 bob (…", "is offline") // after his goodbye, or when he is not heard of
	alice.sees("nobody else is online")
	if err := alice.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	alice.exits(0)
}

func TestPipedInput(t *testing.T) {
	t.Parallel()
	_, addr := server(t)
	bob := chatter(t, "bob", "--bootstrap", addr, "--json")
	bob.sees(`"event":"server"`, `"server":"12D3Koo`)
	bob.sees(`"event":"who"`, `"people":[]`)
	const n = 200
	alice := chatter(t, "alice", "--bootstrap", addr, "--to", "bob")
	for i := range n {
		alice.types(fmt.Sprintf("line %d", i))
	}
	if err := alice.stdin.Close(); err != nil {
		t.Fatal(err)
	}
	alice.exits(0)
	for i := range n {
		if line := bob.sees(`"event":"message"`); !strings.Contains(line, fmt.Sprintf(`"text":"line %d"`, i)) {
			t.Fatalf("message %d is %s", i, line)
		}
	}
}

func TestNobodyAndRefusal(t *testing.T) {
	t.Parallel()
	_, addr := server(t)
	hermit := chatter(t, "hermit", "--bootstrap", addr, "--accept", "none")
	hermit.sees("nobody else is online")
	alice := chatter(t, "alice", "--bootstrap", addr)
	alice.types("nobody-of-that-name", "/to hermit", "/to alice", "/nonsense", "/who")
	alice.sees("nobody called nobody-of-that-name was found")
	alice.sees("hermit (…", "refused: no conversations, please")
	alice.sees("alice is you")
	alice.sees("no command /nonsense")
	alice.sees("online")
	alice.types("/quit")
	alice.exits(1) // in a script, what could not be done counts

	script := chatter(t, "script", "--bootstrap", addr, "--to", "nobody-at-all")
	script.types("hello?")
	script.sees("nobody to talk with", "nobody-at-all")
	script.exits(1)

	other := chatter(t, "HERMIT", "--bootstrap", addr)
	other.sees("taken")
	other.exits(1)
}

func TestWithoutAnyServer(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := closed.Addr().(*net.TCPAddr).Port
	closed.Close()
	dead := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp", port)

	alice := chatter(t, "alice", "--bootstrap", dead)
	at := strings.TrimSpace(alice.sees("  at /ip4/127.0.0.1/tcp/"))
	at = strings.TrimPrefix(at, "at ")
	alice.sees("no bootstrap server answers")
	alice.sees("nobody else is online", "from the peers themselves")

	bob := chatter(t, "bob", "--to", at)
	bob.sees("no bootstrap server was given")
	bob.types("by multiaddr")
	alice.sees("bob (…", ": by multiaddr")
	bob.types("/quit")
	bob.exits(0)

	hostPort := strings.Replace(strings.TrimPrefix(strings.Split(at, "/p2p/")[0], "/ip4/"), "/tcp/", ":", 1)
	carol := chatter(t, "carol")
	carol.types(hostPort, "by host and port", "/quit")
	alice.sees("carol (…", ": by host and port")
	carol.exits(0)

	nowhere := chatter(t, "erin", "--to", fmt.Sprintf("127.0.0.1:%d", port))
	nowhere.sees("! 127.0.0.1:", "cannot be reached: nothing listens at 127.0.0.1:")
	if line := nowhere.sees("nobody to talk with", "nothing listens at 127.0.0.1:"); strings.Contains(line, "12D3Koo") {
		t.Errorf("a made-up peer: %q", line)
	}
	nowhere.exits(1)

	taken := chatter(t, "dave", "--listen", strings.Split(at, "/p2p/")[0])
	taken.sees("listen on", "choose another port", "address already in use")
	taken.exits(1)
}

func TestOpenedAgainIsAnnouncedAgain(t *testing.T) {
	t.Parallel()
	_, addr := server(t)
	alice := chatter(t, "alice", "--bootstrap", addr)
	alice.sees("nobody else is online")
	bob := chatter(t, "bob", "--bootstrap", addr)
	for i := range 2 {
		bob.types("/to alice")
		bob.sees("what you type goes to alice")
		alice.sees("bob (…", "opened a conversation with you")
		alice.sees("what you type goes to bob")
		alice.types(fmt.Sprint("answer ", i))
		bob.sees("alice (…", fmt.Sprint(": answer ", i))
		bob.types("/leave")
		alice.sees("bob (…", "left the conversation")
	}
}

func TestUndeliveredIsSaid(t *testing.T) {
	t.Parallel()
	_, addr := server(t)
	bob := chatter(t, "bob", "--bootstrap", addr)
	bob.sees("nobody else is online")
	alice := chatter(t, "alice", "--bootstrap", addr, "--to", "bob")
	alice.types("you get this")
	bob.sees(": you get this")
	bob.kill()
	alice.sees("bob (…", "is disconnected")
	alice.types("and never this", "/quit")
	alice.sees("not delivered to bob (…", "and never this")
	alice.sees("messages not delivered: ") // the first too, if bob had no time to acknowledge it
	alice.exits(1)
}
