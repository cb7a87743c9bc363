//go:build browser

package bootstrap

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
)

// Browser tests run scripts of testdata/browser with node, which drives Chromium.
// PAGE_PICTURES names a folder for screenshots.

// inNode runs one and returns what it printed.
func inNode(t testing.TB, name string, args ...string) []byte {
	t.Helper()
	folder := filepath.Join("testdata", "browser")
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		t.Fatalf("playwright-core is not installed: run npm ci in %s", folder)
	}
	cmd := exec.CommandContext(t.Context(), "node", append([]string{name}, args...)...)
	cmd.Dir = folder
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
	return out
}

// pictures is the folder for screenshots, or nothing.
func pictures(t testing.TB, name string) string {
	folder := os.Getenv("PAGE_PICTURES")
	if folder == "" {
		return ""
	}
	path, err := filepath.Abs(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// throng fills a server's table with peers that nobody signed for, each linked to
// some others.
type throng struct {
	s       *Server
	rng     *rand.Rand
	entries []*entry
}

func newThrong(t testing.TB, s *Server, n int) *throng {
	t.Helper()
	c := &throng{s: s, rng: rand.New(rand.NewPCG(1, uint64(n)))}
	for i := range n {
		_, public, err := crypto.GenerateEd25519Key(zeros(c.rng.Uint64()))
		if err != nil {
			t.Fatal(err)
		}
		id, err := peer.IDFromPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		name := fmt.Sprintf("peer %d", i)
		key, err := keyOf(name)
		if err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		e := &entry{
			claim: &claim{
				particulars: &particulars{addrs: []ma.Multiaddr{ma.StringCast(fmt.Sprintf("/ip4/10.0.%d.%d/tcp/4001", i/250, i%250))}},
				peer:        id, name: name, key: key, seq: 1, found: true,
			},
			since: momentOf(now.Add(-time.Duration(c.rng.IntN(1e6)) * time.Second)), expires: momentOf(now.Add(time.Hour)), online: true,
			self: &self{rtt: time.Duration(c.rng.IntN(80_000)) * time.Microsecond, agent: "grapevine/0.1"},
		}
		for range 3 {
			if i > 0 {
				// Near ones more often, so that the overlay has a shape.
				other := max(0, i-1-c.rng.IntN(min(i, 60)))
				e.self.neighbours = append(e.self.neighbours, c.entries[other].claim.peer)
			}
		}
		c.entries = append(c.entries, e)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range c.entries {
		c.join(e)
	}
	return c
}

// join is called with the server locked.
func (c *throng) join(e *entry) {
	c.s.table.insert(e)
	c.s.note([]change{{kind: Joined, entry: *e}})
}

// churn lets a peer go and another come back, until the test ends.
func (c *throng) churn(t testing.TB, every time.Duration) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(stop); <-stopped })
	go func() {
		defer close(stopped)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		var gone []*entry
		for {
			select {
			case <-stop:
				return
			case <-ticker.C:
			}
			c.s.mu.Lock()
			if len(gone) > len(c.entries)/50 {
				back := gone[0]
				gone = gone[1:]
				c.join(back)
			}
			leaver := c.entries[c.rng.IntN(len(c.entries))]
			if left := c.s.table.end(leaver.id()); left != nil {
				c.s.note(left)
				gone = append(gone, leaver)
			}
			c.s.mu.Unlock()
		}
	}()
}

// zeros is a source of keys that are the same at each run.
type zeros uint64

func (z zeros) Read(b []byte) (int, error) {
	rng := rand.New(rand.NewPCG(uint64(z), 0))
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return len(b), nil
}

func TestFramesWithManyPeers(t *testing.T) {
	for _, n := range []int{500, 2000} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			s := startServer(t)
			c := newThrong(t, s, n)
			web := httptest.NewServer(s.Handler())
			t.Cleanup(web.Close)
			c.churn(t, 100*time.Millisecond)
			out := inNode(t, "frames.mjs", web.URL, strconv.Itoa(n), pictures(t, fmt.Sprintf("crowd-%d.png", n)))
			var frames struct {
				Median float64 `json:"median_ms"`
			}
			if err := json.Unmarshal(out, &frames); err != nil {
				t.Fatal(err)
			}
			t.Logf("%s", out)
			// What a page that stands still takes, whatever else the machine does.
			if frames.Median > 500 {
				t.Errorf("half of the frames take more than %.0f ms", frames.Median)
			}
		})
	}
}
