package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

// growthPatience is for the steps of a federation, each of which takes some
// elections and round trips.
const growthPatience = 4 * time.Minute

// operate runs a command of the program to its end.
func operate(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), growthPatience)
	defer cancel()
	cmd := command(t, nil, append([]string{"federation"}, args...)...)
	var out, complaint strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
	defer stop()
	_ = cmd.Wait()
	return out.String(), complaint.String(), cmd.ProcessState.ExitCode()
}

func operates(t *testing.T, say string, args ...string) {
	t.Helper()
	if stdout, stderr, code := operate(t, args...); code != 0 || !strings.Contains(stdout, say) {
		t.Fatalf("%q: exit code %d, %q, %q; want %q", args, code, stdout, stderr, say)
	}
}

// shown is what "federation status --json" says.
type shown struct {
	Leader            string
	Members           []member
	Voters, Answering int
	Grants, Admitted  bool
}

func (s shown) has(id peer.ID, voter, answers bool) bool {
	for _, m := range s.Members {
		if m.ID == id {
			return m.Voter == voter && m.Answers == answers
		}
	}
	return false
}

func statusOf(t *testing.T, data string) (s shown) {
	t.Helper()
	stdout, stderr, code := operate(t, "status", "--json", "--data", data)
	if code != 0 {
		t.Fatalf("status: %s", stderr)
	}
	if err := json.Unmarshal([]byte(stdout), &s); err != nil {
		t.Fatalf("%v: %s", err, stdout)
	}
	return s
}

// eventually waits until a status is as it should be.
func eventually(t *testing.T, what, data string, holds func(shown) bool) shown {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), growthPatience)
	defer cancel()
	again := time.NewTicker(200 * time.Millisecond)
	defer again.Stop()
	for {
		s := statusOf(t, data)
		if holds(s) {
			return s
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			t.Fatalf("%s: %+v", what, s)
		}
	}
}

// grower starts servers of one federation and adds them.
type grower struct {
	t       *testing.T
	folders map[*process]string
	names   int // claimed
	owner   map[string]peer.ID
}

func (g *grower) start(folder string, args ...string) *process {
	g.t.Helper()
	p := start(g.t, append(args, "--data", folder)...)
	g.folders[p] = folder
	return p
}

// grow adds a new server by a command at another.
func (g *grower) grow(at *process) *process {
	g.t.Helper()
	p := g.start(g.t.TempDir(), "--federation", at.first)
	p.until("waits to be admitted")
	if line := p.line(); !strings.HasSuffix(line, "bootstrap federation add "+p.first) {
		g.t.Errorf("a waiting server says %q", line)
	}
	operates(g.t, "has a vote now", "add", p.first, "--data", g.folders[at])
	return p
}

// claim claims a name through some servers, and checks that all know it.
func (g *grower) claim(through ...*process) {
	g.t.Helper()
	g.names++
	name := fmt.Sprintf("name-%d", g.names)
	c, h := newClient(g.t, through[0].info)
	if _, err := c.Register(bounded(g.t), name); err != nil {
		g.t.Fatalf("claim %s: %v", name, err)
	}
	g.owner[name] = h.ID()
	g.check(through...)
}

// check checks that each server refuses each name to strangers.
func (g *grower) check(servers ...*process) {
	g.t.Helper()
	for _, p := range servers {
		c, _ := newClient(g.t, p.info)
		for name, owner := range g.owner {
			_, err := c.Register(bounded(g.t), name)
			var taken *bootstrap.NameTakenError
			if !errors.As(err, &taken) || taken.Owner != owner {
				g.t.Fatalf("%s at %s: %v, want that it is taken by %s", name, p.first, err, owner)
			}
		}
		if err := c.Close(); err != nil {
			g.t.Error(err)
		}
	}
}

// A federation grows from one to three to five and shrinks to one, by commands, and
// grants names all the while.
func TestFederationGrowsAndShrinks(t *testing.T) {
	skipWithoutSignals(t)
	g := &grower{t: t, folders: map[*process]string{}, owner: map[string]peer.ID{}}
	servers := []*process{g.start(t.TempDir())}
	g.claim(servers...)
	for len(servers) < 5 {
		servers = append(servers, g.grow(servers[len(servers)-1]))
		g.claim(servers[len(servers)-1])
	}
	g.check(servers...)
	s := eventually(t, "all answer", g.folders[servers[4]], func(s shown) bool { return s.Answering == 5 && s.Grants })
	if s.Voters != 5 || s.Leader == "" {
		t.Errorf("%+v", s)
	}
	for len(servers) > 1 {
		gone, rest := servers[0], servers[1:]
		operates(t, "is out of the federation", "remove", display.Fingerprint(gone.info.ID.String()), "--data", g.folders[rest[0]])
		if code := gone.stop(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		servers = rest
		g.claim(servers...)
	}
	s = eventually(t, "one is left", g.folders[servers[0]], func(s shown) bool { return s.Voters == 1 })
	if len(s.Members) != 1 || !s.Grants {
		t.Errorf("%+v", s)
	}
}

// Of three servers one is killed and comes back, and another loses its disk and
// comes back as a new member.
func TestFederationSurvivesLoss(t *testing.T) {
	skipWithoutSignals(t)
	g := &grower{t: t, folders: map[*process]string{}, owner: map[string]peer.ID{}}
	a := g.start(t.TempDir())
	b := g.grow(a)
	c := g.grow(b)
	g.claim(a, b, c)

	// A third server is killed: names are granted, and it catches up.
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait()
	eventually(t, "the killed one is missed", g.folders[a], func(s shown) bool { return s.has(c.info.ID, true, false) && s.Grants })
	g.claim(a, b)
	c = g.start(g.folders[c])
	eventually(t, "the killed one is back", g.folders[a], func(s shown) bool { return s.has(c.info.ID, true, true) })
	g.check(a, b, c)

	// Without a majority no name is granted, and the commands say so.
	folderB, folderC := g.folders[b], g.folders[c]
	b.stop()
	c.stop()
	eventually(t, "no majority", g.folders[a], func(s shown) bool { return !s.Grants && s.Answering == 1 })
	stranger, _ := newClient(t, a.info)
	_, err := stranger.Register(bounded(t), "nobody")
	if !errors.Is(err, bootstrap.ErrNoMajority) {
		t.Errorf("a name without a majority: %v", err)
	}
	if _, stderr, code := operate(t, "remove", b.info.ID.String(), "--data", g.folders[a]); code == 0 || !strings.Contains(stderr, "start the servers that are down") {
		t.Errorf("removal without a majority: exit code %d, %q", code, stderr)
	}
	b = g.start(folderB)

	// The other one has lost its disk, but not its key.
	if err := os.RemoveAll(filepath.Join(folderC, "server", "directory")); err != nil {
		t.Fatal(err)
	}
	c = g.start(folderC, "--federation", a.first, "--federation", b.first)
	eventually(t, "it is taken back", g.folders[a], func(s shown) bool { return s.has(c.info.ID, true, true) && s.Voters == 3 && s.Grants })
	g.claim(a, b, c)

	// And all of it: it is somebody else now.
	c.stop()
	if err := os.RemoveAll(folderC); err != nil {
		t.Fatal(err)
	}
	lost := c.info.ID
	c = g.start(folderC, "--federation", a.first)
	if c.info.ID == lost {
		t.Error("a deleted key is back")
	}
	c.until("waits to be admitted")
	operates(t, "is out of the federation", "remove", lost.String(), "--data", g.folders[a])
	operates(t, "has a vote now", "add", c.first, "--data", g.folders[a])
	g.check(a, b, c)
	eventually(t, "three again", g.folders[c], func(s shown) bool { return s.Voters == 3 && len(s.Members) == 3 && s.Grants })
}
