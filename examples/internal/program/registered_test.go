package program

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// patience is how long a test waits for what it expects, on a machine however busy.
const patience = time.Minute

func startServer(t *testing.T) (s *bootstrap.Server, addr string) {
	t.Helper()
	h, err := libp2p.New(libp2p.ListenAddrStrings(loopback), libp2p.DisableRelay(), libp2p.DisableMetrics())
	if err != nil {
		t.Fatal(err)
	}
	s = &bootstrap.Server{Host: h, Lease: 2 * time.Second, HTTPOpen: true}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(s.Close(), h.Close()); err != nil {
			t.Error(err)
		}
	})
	return s, h.Addrs()[0].String() + "/p2p/" + h.ID().String()
}

// What a peer tells of itself is what its flags say.
func TestTellsOfItself(t *testing.T) {
	clearEnv(t)
	s, addr := startServer(t)
	door, err := p2p.New(p2p.WithListenAddrs(loopback))
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	servers, err := ParsePeers([]string{addr})
	if err != nil {
		t.Fatal(err)
	}
	client, err := bootstrap.NewClient(door.Host(), servers...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Register(t.Context(), "door"); err != nil {
		t.Fatal(err)
	}
	page := s.Handler()
	shown := func(id string) (agent string, neighbours []string) {
		r := httptest.NewRequest("GET", "http://localhost/api/peers", nil)
		w := httptest.NewRecorder()
		page.ServeHTTP(w, r)
		var list struct {
			Peers []struct {
				ID, Agent  string
				Neighbours []string
			}
		}
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		for _, p := range list.Peers {
			if p.ID == id {
				return p.Agent, p.Neighbours
			}
		}
		return "not listed", nil
	}
	for _, open := range []bool{false, true} {
		args := []string{"--bootstrap", addr, "--data", t.TempDir(), "--listen=" + loopback}
		if open {
			args = append(args, "--show-neighbours")
		}
		cli := &joinCLI{peer: func(p *Peer) {
			self := p.Node.ID().String()
			deadline := time.After(patience)
			tick := time.NewTicker(50 * time.Millisecond)
			defer tick.Stop()
			for {
				agent, neighbours := shown(self)
				if strings.HasPrefix(agent, "grapevine-grape/") && (!open || len(neighbours) == 1 && neighbours[0] == door.ID().String()) {
					if !open && len(neighbours) > 0 {
						t.Errorf("neighbours %v are shown", neighbours)
					}
					return
				}
				select {
				case <-tick.C:
				case <-deadline:
					t.Fatalf("neighbours shown: %v; agent %q, neighbours %v of %v", open, agent, neighbours, p.Node.Neighbours())
				}
			}
		}}
		if code, _, stderr := runTest(t, t.Context(), cli, args...); code != ExitOK {
			t.Fatalf("code %d: %s", code, stderr)
		}
	}
	hidden := &joinCLI{name: "shy", peer: func(p *Peer) {
		if agent, _ := shown(p.Node.ID().String()); agent != "not listed" {
			t.Error("a hidden peer is listed")
		}
		if r, err := client.Lookup(t.Context(), "shy"); err != nil || r.Peer.ID != p.Node.ID() || !r.Hidden {
			t.Errorf("a hidden peer's name leads to %+v, %v", r, err)
		}
	}}
	if code, _, stderr := runTest(t, t.Context(), hidden, "--hidden", "--bootstrap", addr, "--data", t.TempDir(), "--listen="+loopback); code != ExitOK {
		t.Fatalf("code %d: %s", code, stderr)
	}
}
