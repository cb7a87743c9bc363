package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"go.uber.org/goleak"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

// patience is how long a test waits for what it expects, on a machine however busy.
const patience = 2 * time.Minute

// asProgram in the environment makes the test binary the program itself.
const asProgram = "GRAPEVINE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m)
}

// process is a running server, as its user sees it.
type process struct {
	t     *testing.T
	cmd   *exec.Cmd
	lines chan string // of standard output
	first string
	info  peer.AddrInfo
}

func command(t *testing.T, env []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "GRAPEVINE_") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(append(cmd.Env, asProgram+"=1"), env...)
	return cmd
}

// start runs a server on loopback and waits for its first line.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	return startWith(t, nil, append([]string{"--listen=/ip4/127.0.0.1/tcp/0"}, args...)...)
}

func startWith(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: command(t, env, args...), lines: make(chan string, 1000)}
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			p.lines <- s.Text()
		}
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		for range p.lines {
		}
		_ = p.cmd.Wait()
	})
	p.first = p.line()
	info, err := peer.AddrInfoFromString(p.first)
	if err != nil {
		t.Fatalf("the first line is %q: %v", p.first, err)
	}
	p.info = *info
	return p
}

func (p *process) line() string {
	p.t.Helper()
	select {
	case line, ok := <-p.lines:
		if !ok {
			p.t.Fatal("the output has ended")
		}
		return line
	case <-time.After(patience):
		p.t.Fatal("no output")
	}
	return ""
}

// until reads lines up to one that contains all of the parts.
func (p *process) until(parts ...string) string {
	p.t.Helper()
	for {
		line := p.line()
		all := true
		for _, part := range parts {
			all = all && strings.Contains(line, part)
		}
		if all {
			return line
		}
	}
}

// stop asks the server to end and returns its exit code.
func (p *process) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	for range p.lines {
	}
	_ = p.cmd.Wait()
	return p.cmd.ProcessState.ExitCode()
}

func newClient(t *testing.T, server peer.AddrInfo) (*bootstrap.Client, host.Host) {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	c, err := bootstrap.NewClient(h, server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(c.Close(), h.Close()) })
	return c, h
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func skipWithoutSignals(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
}

func getJSON(t *testing.T, url string, v any) int {
	t.Helper()
	req, err := http.NewRequestWithContext(bounded(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(v); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func TestServes(t *testing.T) {
	skipWithoutSignals(t)
	p := start(t, "--data", t.TempDir(), "--http=:0")
	url := strings.TrimSuffix(strings.TrimPrefix(p.until("the page is at "), "the page is at "), "/")
	if !strings.HasPrefix(url, "http://127.0.0.1:") {
		t.Errorf("the list is open at %s", url)
	}
	c, h := newClient(t, p.info)
	short := display.Fingerprint(h.ID().String())
	lease, err := c.Register(bounded(t), "alice")
	if err != nil {
		t.Fatal(err)
	}
	p.until(short, "connected from /ip4/127.0.0.1/")
	p.until("alice ("+short+")", "registered")

	var list struct{ Peers []struct{ Name, ID string } }
	if code := getJSON(t, url+"/api/peers", &list); code != 200 || len(list.Peers) != 1 || list.Peers[0].Name != "alice" || list.Peers[0].ID != h.ID().String() {
		t.Errorf("%d %+v", code, list)
	}
	var health struct{ Status string }
	if code := getJSON(t, url+"/healthz", &health); code != 200 || health.Status != "ok" {
		t.Errorf("%d %+v", code, health)
	}
	var none struct{ Error string }
	if code := getJSON(t, url+"/api/names/bob", &none); code != 404 || none.Error == "" {
		t.Errorf("%d %+v", code, none)
	}
	if err := lease.Release(bounded(t)); err != nil {
		t.Fatal(err)
	}
	p.until("alice ("+short+")", "left")
	if err := errors.Join(c.Close(), h.Close()); err != nil {
		t.Fatal(err)
	}
	p.until(short, "disconnected")
	if code := p.stop(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestAnnouncesAwayAndExpired(t *testing.T) {
	p := start(t, "--data", t.TempDir(), "--lease=1s")
	_, h := newClient(t, p.info)
	c, err := bootstrap.NewClient(h, p.info)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Register(bounded(t), "bob"); err != nil {
		t.Fatal(err)
	}
	p.until("bob (", "registered")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	p.until("bob (", "is away")
	p.until("bob (", "expired")
}

func TestRestartKeepsIdentityAndNames(t *testing.T) {
	skipWithoutSignals(t)
	folder := t.TempDir()
	for _, kill := range []bool{false, true} {
		t.Run(fmt.Sprintf("kill=%v", kill), func(t *testing.T) {
			p := start(t, "--data", folder)
			name := fmt.Sprintf("kept-%v", kill)
			_, h := newClient(t, p.info)
			c, err := bootstrap.NewClient(h, p.info)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Register(bounded(t), name); err != nil {
				t.Fatal(err)
			}
			if kill {
				if err := p.cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
				_ = p.cmd.Wait()
			} else if code := p.stop(); code != 0 {
				t.Fatalf("exit code %d", code)
			}
			again := start(t, "--data", folder)
			if again.info.ID != p.info.ID {
				t.Error("the server has another identity")
			}
			again.until("registrations from before")
			stranger, _ := newClient(t, again.info)
			r, err := stranger.Lookup(bounded(t), name)
			if err != nil || r.Peer.ID != h.ID() {
				t.Errorf("%+v, %v", r, err)
			}
			if _, err := stranger.Register(bounded(t), name); !errors.Is(err, bootstrap.ErrNameTaken) {
				t.Errorf("a name is granted twice: %v", err)
			}
			again.stop()
		})
	}
}

func TestJSON(t *testing.T) {
	p := start(t, "--data", t.TempDir(), "--json", "--network=other")
	var listening struct {
		Event, Network string
		Addrs          []string
	}
	if err := json.Unmarshal([]byte(p.line()), &listening); err != nil || listening.Event != "listening" || listening.Network != "other" {
		t.Fatalf("%+v, %v", listening, err)
	}
	if listening.Addrs[0] != p.first {
		t.Errorf("addresses %v, first line %s", listening.Addrs, p.first)
	}
	c, _ := newClient(t, p.info)
	if _, err := c.Register(bounded(t), "alice"); !errors.Is(err, bootstrap.ErrOtherNetwork) {
		t.Errorf("a client of another network: %v", err)
	}
	p.until(`"event":"connected"`)
}

func TestSettingsFromEnvironmentAndFile(t *testing.T) {
	folder := t.TempDir()
	config := filepath.Join(t.TempDir(), "config.json")
	data, err := json.Marshal(map[string]any{"listen": []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"}, "network": "file"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(config, data, 0o600); err != nil {
		t.Fatal(err)
	}
	p := startWith(t, []string{"GRAPEVINE_CONFIG=" + config, "GRAPEVINE_NETWORK=environment", "GRAPEVINE_DATA=" + folder})
	p.until(`network "environment"`, folder)
	p.until("also at", "/quic-v1/")
}

func TestClearErrors(t *testing.T) {
	folder := t.TempDir()
	running := start(t, "--data", folder)
	addr := running.info.Addrs[0].String()
	unreadable := t.TempDir()
	before := start(t, "--data", unreadable)
	if err := before.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = before.cmd.Wait()
	if err := os.WriteFile(filepath.Join(unreadable, "server", "key"), []byte("no key"), 0o600); err != nil {
		t.Fatal(err)
	}
	future := t.TempDir()
	if err := os.WriteFile(filepath.Join(future, "VERSION"), []byte("99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for name, tt := range map[string]struct {
		args []string
		say  string
		code int
	}{
		"taken http port":  {[]string{"--data", t.TempDir(), "--listen=/ip4/127.0.0.1/tcp/0", "--http", other.Addr().String()}, "choose another with --http", 1},
		"taken port":       {[]string{"--data", t.TempDir(), "--listen", addr}, "the port is taken", 1},
		"folder in use":    {[]string{"--data", folder}, "in use", 1},
		"no such address":  {[]string{"--data", t.TempDir(), "--listen=here"}, `"here"`, 2},
		"bad http address": {[]string{"--data", t.TempDir(), "--listen=/ip4/127.0.0.1/tcp/0", "--http=here"}, `"here"`, 2},
		"bad http port":    {[]string{"--data", t.TempDir(), "--listen=/ip4/127.0.0.1/tcp/0", "--http=:99999"}, `":99999"`, 2},
		"negative limit":   {[]string{"--data", t.TempDir(), "--max-streams=-1"}, "-1 is no limit", 2},
		"bad reserve":      {[]string{"--data", t.TempDir(), "--reserve=soon"}, "7d or 12h", 2},
		"bad fellow":       {[]string{"--data", t.TempDir(), "--federation=there"}, `--federation: "there"`, 2},
		"not a server's":   {[]string{"federation", "--data", future}, "no data folder", 1},
		"add what":         {[]string{"federation", "add", "there", "--data", folder}, `"there"`, 2},
		"remove what":      {[]string{"federation", "remove", "there", "--data", folder}, `"there" is no peer ID`, 2},
		"no such folder":   {[]string{"federation", "status", "--data", "/no/such"}, "no data folder", 1},
		"short lease":      {[]string{"--data", t.TempDir(), "--lease=1ms"}, "too short", 2},
		"unreadable key":   {[]string{"--data", unreadable, "--listen=/ip4/127.0.0.1/tcp/0"}, "key", 1},
		"folder of future": {[]string{"--data", future, "--listen=/ip4/127.0.0.1/tcp/0"}, "99", 1},
		"unknown flag":     {[]string{"--colour"}, "--colour", 2},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			cmd := command(t, nil, tt.args...)
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
			defer stop()
			err := cmd.Wait()
			if code := cmd.ProcessState.ExitCode(); err == nil || code != tt.code {
				t.Errorf("exit code %d", code)
			}
			if stdout.Len() > 0 {
				t.Errorf("on standard output: %q", stdout.String())
			}
			lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
			if !strings.Contains(lines[0], tt.say) || len(lines) > 2 {
				t.Errorf("it says %q", stderr.String())
			}
		})
	}
}
