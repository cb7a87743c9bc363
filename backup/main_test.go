package backup_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

func TestMain(m *testing.M) {
	// The clock of libp2p's byte counters, which one test uses, never stops.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/libp2p/go-flow-metrics.(*sweeper).run"))
}

// patience bounds every wait: far more than a busy machine needs.
const patience = 60 * time.Second

const quota = 1 << 30

// cluster is an owner, node 0, and holders, the others, in one overlay.
type cluster struct {
	*p2ptest.Network
	t       testing.TB
	owner   *backup.Service
	holders []*backup.Service // of node i+1
	folders []string          // of the holders
}

// newCluster makes an owner and n holders. with may change a holder's options.
func newCluster(t testing.TB, n int, with func(holder int) []backup.Option) *cluster {
	t.Helper()
	c := &cluster{Network: p2ptest.New(t, n+1), t: t}
	for i := range n {
		folder := t.TempDir()
		opts := []backup.Option{backup.WithQuota(quota)}
		if with != nil {
			opts = append(opts, with(i)...)
		}
		c.folders = append(c.folders, folder)
		c.holders = append(c.holders, newService(t, c.Nodes[i+1], folder, opts...))
	}
	c.owner = newService(t, c.Nodes[0], t.TempDir())
	return c
}

func newService(t testing.TB, node *p2p.Node, folder string, opts ...backup.Option) *backup.Service {
	t.Helper()
	s, err := backup.New(node, folder, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// put backs up path and fails the test if that fails.
func (c *cluster) put(path string, replicas int) backup.Receipt {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	r, err := c.owner.Put(ctx, path, backup.PutOptions{Replicas: replicas})
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// writeFile makes a file of n random bytes, the same for the same seed.
func writeFile(t testing.TB, name string, n int, seed uint64) {
	t.Helper()
	data := make([]byte, n)
	var chacha [32]byte
	chacha[0] = byte(seed)
	_, _ = rand.NewChaCha8(chacha).Read(data) // never fails
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// tree describes every entry below root: kind, mode, time, content or target.
func tree(t testing.TB, root string) map[string]string {
	t.Helper()
	out := make(map[string]string)
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			out[rel] = "link to " + target
			return err
		case d.IsDir():
			out[rel] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano())
		default:
			data, err := os.ReadFile(name)
			out[rel] = fmt.Sprint(info.Mode(), info.ModTime().UnixNano(), " ") + string(data)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sameTree compares what is below two folders.
func sameTree(t testing.TB, got, want string) {
	t.Helper()
	a, b := tree(t, got), tree(t, want)
	for name := range b {
		if a[name] != b[name] {
			t.Errorf("%q: restored %.60q, want %.60q", name, a[name], b[name])
		}
	}
	for name := range a {
		if _, ok := b[name]; !ok {
			t.Errorf("%q was not there", name)
		}
	}
}

// onDisk tells whether any file below folder contains text.
func onDisk(t testing.TB, folder string, text []byte) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(name)
		found = found || bytes.Contains(data, text) || bytes.Contains([]byte(name), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// eventually waits until holds is true.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	for !holds() {
		select {
		case <-every.C:
		case <-late.C:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}
