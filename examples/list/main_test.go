package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/programtest"
	"github.com/grapevine-p2p/grapevine/p2p"
)

func TestMain(m *testing.M) { programtest.Main(m, main) }

// directory starts a bootstrap server and returns its address.
func directory(t *testing.T) string {
	t.Helper()
	return directories(t, 1)[0].addr
}

type server struct {
	addr string
	stop func()
}

// directories starts bootstrap servers that grant names as one.
func directories(t *testing.T, n int) (all []server) {
	t.Helper()
	var first *bootstrap.Server
	for range n {
		h, err := libp2p.New(libp2p.ListenAddrStrings(programtest.Loopback), libp2p.DisableRelay(), libp2p.DisableMetrics())
		if err != nil {
			t.Fatal(err)
		}
		self := peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()}
		s := &bootstrap.Server{Host: h}
		if first != nil {
			s.Federation = []peer.AddrInfo{{ID: first.Host.ID(), Addrs: first.Host.Addrs()}}
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop := sync.OnceFunc(func() {
			if err := errors.Join(s.Close(), h.Close()); err != nil {
				t.Error(err)
			}
		})
		t.Cleanup(stop)
		if first == nil {
			first = s
		} else if err := first.AddServer(t.Context(), self); err != nil {
			t.Fatal(err)
		}
		all = append(all, server{h.Addrs()[0].String() + "/p2p/" + h.ID().String(), stop})
	}
	return all
}

func works(t *testing.T, want string, args ...string) {
	t.Helper()
	if stdout, stderr, code := programtest.Run(t, args...); stdout != want || stderr != "" || code != 0 {
		t.Errorf("%q: %q, %q, exit code %d; want %q", args, stdout, stderr, code, want)
	}
}

func fails(t *testing.T, say string, args ...string) {
	t.Helper()
	if stdout, stderr, code := programtest.Run(t, args...); !strings.Contains(stderr, say) || code == 0 {
		t.Errorf("%q: %q, %q, exit code %d; want the error %q", args, stdout, stderr, code, say)
	}
}

// start runs "list serve" until it serves.
func start(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := programtest.Command(t, append([]string{"serve"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	late := time.AfterFunc(programtest.Patience, func() { _ = cmd.Process.Kill() })
	defer late.Stop()
	for s := bufio.NewScanner(out); s.Scan(); {
		if strings.HasPrefix(s.Text(), "serving ") {
			return cmd
		}
	}
	t.Fatal("it does not serve")
	return nil
}

func end(t *testing.T, cmd *exec.Cmd, s os.Signal) {
	t.Helper()
	if err := cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); s != os.Kill && err != nil {
		t.Errorf("after %s: %v", s, err)
	}
}

// The life of a list: served, appended to by two clients, killed, served again from
// the same folder, and taken out of the directory at the end.
func TestList(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	addr := directory(t)
	groceries := []string{"--name=groceries", "--bootstrap=" + addr}
	with := func(args ...string) []string { return slices.Concat(args, groceries) }
	folder := filepath.Join(t.TempDir(), "data")

	fails(t, `nobody serves a list called "groceries"`, with("value")...)
	server := start(t, with("--data", folder)...)
	works(t, "", with("value")...)
	works(t, "\"groceries\" has 2 items now\n", with("append", "milk", "eggs")...)
	works(t, "\"groceries\" has 3 items now\n", with("append", "dark\x1b[31m bread")...)
	works(t, "milk\neggs\ndark\uFFFD[31m bread\n", with("value")...)
	fails(t, "is taken", with("serve", "--data", t.TempDir())...)

	end(t, server, os.Kill)
	fails(t, `the peer that serves "groceries" does not answer`, with("value")...)

	server = start(t, with("--data", folder)...)
	stdout, _, _ := programtest.Run(t, with("value", "--json")...)
	var value struct {
		OK    bool
		Event string
		Items []string
	}
	if err := json.Unmarshal([]byte(stdout), &value); err != nil || !value.OK || value.Event != "value" ||
		!slices.Equal(value.Items, []string{"milk", "eggs", "dark\x1b[31m bread"}) {
		t.Errorf("%s: %+v, %v", stdout, value, err)
	}
	works(t, `{"event":"appended","length":4,"name":"GROCERIES","ok":true}`+"\n",
		"append", "tea", "--json", "--name=GROCERIES", "--bootstrap="+addr)
	end(t, server, syscall.SIGTERM)
	fails(t, `nobody serves a list called "groceries"`, with("value")...)

	start(t, "--name=chores", "--bootstrap="+addr, "--data", folder)
	works(t, "", "value", "--name=chores", "--bootstrap="+addr)
}

// With three servers a list goes by its name, also when one of them is lost: the one
// that began and leads.
func TestThreeServers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("no signals to send")
	}
	servers := directories(t, 3)
	var entries []string
	for _, s := range servers {
		entries = append(entries, "--bootstrap="+s.addr)
	}
	with := func(args ...string) []string { return slices.Concat(args, entries) }
	folder := t.TempDir()

	groceries := start(t, with("--name=groceries", "--data", folder)...)
	works(t, "\"groceries\" has 1 item now\n", with("append", "--name=groceries", "milk")...)
	for _, s := range servers { // each by itself
		works(t, "milk\n", "value", "--name=groceries", "--bootstrap="+s.addr)
		fails(t, "is taken", "serve", "--name=groceries", "--data", t.TempDir(), "--bootstrap="+s.addr)
	}
	servers[0].stop()
	works(t, "\"groceries\" has 2 items now\n", with("append", "--name=groceries", "eggs")...)
	fails(t, "is taken", with("serve", "--name=Groceries", "--data", t.TempDir())...)
	chores := start(t, with("--name=chores", "--data", t.TempDir())...)
	works(t, "", with("value", "--name=chores")...)

	// A goodbye is given two seconds, which a busy machine may take to elect a leader.
	for try := range 5 {
		end(t, groceries, syscall.SIGTERM)
		if _, stderr, _ := programtest.Run(t, with("value", "--name=groceries")...); strings.Contains(stderr, `nobody serves a list called "groceries"`) {
			break
		} else if try == 4 {
			t.Fatalf("the name is not removed: %s", stderr)
		}
		groceries = start(t, with("--name=groceries", "--data", folder)...)
	}
	groceries = start(t, with("--name=groceries", "--data", t.TempDir())...) // somebody else
	works(t, "", with("value", "--name=groceries")...)
	end(t, groceries, syscall.SIGTERM)
	end(t, chores, syscall.SIGTERM)
}

func TestClearErrors(t *testing.T) {
	addr := directory(t)
	node, client := newPeer(t, addr)
	if _, err := client.Register(t.Context(), "alice"); err != nil {
		t.Fatal(err)
	}
	named := []string{"--name=alice", "--bootstrap=" + addr}
	for say, args := range map[string][]string{
		`"alice" serves no list`:      append([]string{"value"}, named...),
		"want 1 to 64":                slices.Concat([]string{"append"}, slices.Repeat([]string{"x"}, maxAppend+1), named),
		"want 1 to 256 bytes":         append([]string{"append", strings.Repeat("x", maxItem+1)}, named...),
		"invalid name":                {"value", "--name=\u202eecila", "--bootstrap=" + addr},
		"--bootstrap":                 {"value", "--name=alice"},
		"--name: want a name":         {"value", "--bootstrap=" + addr},
		"--name: want a name, such":   {"serve", "--name=", "--bootstrap=" + addr},
		"no bootstrap server answers": {"value", "--name=alice", "--bootstrap=/ip4/127.0.0.1/tcp/1/p2p/" + node.ID().String()},
	} {
		fails(t, say, args...)
	}
}

func newPeer(t *testing.T, directory string) (*p2p.Node, *bootstrap.Client) {
	t.Helper()
	node, err := p2p.New(p2p.WithListenAddrs(programtest.Loopback))
	if err != nil {
		t.Fatal(err)
	}
	server, err := peer.AddrInfoFromString(directory)
	if err != nil {
		t.Fatal(err)
	}
	client, err := bootstrap.NewClient(node.Host(), *server)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), node.Close()); err != nil {
			t.Error(err)
		}
	})
	return node, client
}
