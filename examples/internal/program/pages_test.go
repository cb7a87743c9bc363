package program

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// joinCLI enters and leaves.
type joinCLI struct {
	Common
	name string
	asks bool // and serves nobody
	peer func(*Peer)
}

func (c *joinCLI) Run(ctx context.Context, out *Output) error {
	p, err := StartNode(ctx, out, &c.Common, c.name, !c.asks)
	if err != nil {
		return err
	}
	c.peer(p)
	return p.Close()
}

const loopback = "/ip4/127.0.0.1/tcp/0"

// A page tells of peers to enter through, and makes no registration.
func TestEnterThroughAPage(t *testing.T) {
	clearEnv(t)
	door, err := p2p.New(p2p.WithListenAddrs(loopback))
	if err != nil {
		t.Fatal(err)
	}
	defer door.Close()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/peers" {
			t.Errorf("asked for %s", r.URL)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"peers": []any{map[string]any{"online": true, "addrs": fullAddrs(door.AddrInfo())}}})
	}))
	defer page.Close()

	cli := &joinCLI{peer: func(p *Peer) {
		if p.Directory != nil {
			t.Error("a page is taken for a server")
		}
		if n := p.Node.Neighbours(); len(n) != 1 || n[0].ID != door.ID() {
			t.Errorf("neighbours %v", n)
		}
	}}
	code, stdout, stderr := runTest(t, t.Context(), cli, "--bootstrap", page.URL, "--data", t.TempDir(), "--listen="+loopback)
	if code != ExitOK {
		t.Fatalf("code %d: %s", code, stderr)
	}
	for _, say := range []string{"registered nowhere", "contacts from " + page.URL + ": 1", "neighbours so far: 1"} {
		if !strings.Contains(stdout, say) {
			t.Errorf("%q is not said: %s", say, stdout)
		}
	}
}

func TestPageThatFails(t *testing.T) {
	clearEnv(t)
	page := httptest.NewServer(http.NotFoundHandler())
	defer page.Close()
	code, stdout, stderr := runTest(t, t.Context(), &joinCLI{peer: func(*Peer) {}}, "--bootstrap", page.URL, "--data", t.TempDir(), "--listen="+loopback)
	if code != ExitOK || !strings.Contains(stdout, "no peers from "+page.URL) {
		t.Errorf("code %d: %s%s", code, stdout, stderr)
	}
	if code, _, stderr := runTest(t, t.Context(), &joinCLI{}, "--bootstrap=https://"); code != ExitUsage || !strings.Contains(stderr, "is not the address of a page") {
		t.Errorf("code %d: %s", code, stderr)
	}
}
