package backup_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/metrics"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/p2p"
)

func TestLoadSpreadsOverHolders(t *testing.T) {
	t.Parallel()
	const holders, blobs, replicas = 8, 16, 3
	c := newCluster(t, holders, nil)
	for i := range blobs {
		name := filepath.Join(t.TempDir(), fmt.Sprint("file", i))
		writeFile(t, name, 50_000, uint64(i))
		c.put(name, replicas)
	}
	var counts []int
	sum := 0
	for _, h := range c.holders {
		counts = append(counts, h.Usage().Blobs)
		sum += h.Usage().Blobs
	}
	t.Logf("blobs by holder: %v", counts)
	if sum != blobs*replicas {
		t.Errorf("%d copies, want %d", sum, blobs*replicas)
	}
	// The mean is 6; placed at random alone, the extremes are some 2 and 10.
	if slices.Min(counts) < 4 || slices.Max(counts) > 8 {
		t.Errorf("blobs by holder: %v", counts)
	}
}

func TestUplinkCarriesOneCopy(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 4, nil)
	counter := metrics.NewBandwidthCounter()
	h, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.BandwidthReporter(counter), libp2p.DisableRelay())
	must(t, err)
	t.Cleanup(func() { _ = h.Close() })
	node, err := p2p.New(p2p.WithHost(h))
	must(t, err)
	t.Cleanup(func() { must(t, node.Close()) })
	_, err = node.Join(t.Context(), c.Nodes[0].AddrInfo())
	must(t, err)
	owner := newService(t, node, t.TempDir())

	name := filepath.Join(t.TempDir(), "file")
	writeFile(t, name, 5<<20, 1)
	r, err := owner.Put(t.Context(), name, backup.PutOptions{Replicas: 3})
	must(t, err)
	// The counter lags; when it has seen what was sent after the blob it has seen all.
	total := func() int64 { return counter.GetBandwidthForProtocol(wire.Service).TotalOut }
	eventually(t, "the counter shows the blob", func() bool { return total() >= r.Sealed })
	before := total()
	eventually(t, "the counter shows more", func() bool {
		_, err := owner.List(t.Context())
		must(t, err)
		return total() > before
	})
	sent := total()
	if len(r.Holders) != 3 || r.Sent != r.Sealed || sent < r.Sealed || sent > r.Sealed*12/10 {
		t.Errorf("%d bytes left for three copies of %d (%d holders, %d told)", sent, r.Sealed, len(r.Holders), r.Sent)
	}
}

func TestFailingDiskGivesNoReceipt(t *testing.T) {
	t.Parallel()
	var faults atomic.Int64
	broken := durabletest.Wrap(durable.OS{}, func(op durabletest.Op) error {
		if op.Kind == "Sync" && strings.Contains(op.Name, "blobs") {
			faults.Add(1)
			return errors.New("injected")
		}
		return nil
	})
	c := newCluster(t, 4, func(holder int) []backup.Option {
		if holder == 0 {
			return []backup.Option{backup.WithFS(broken)}
		}
		return nil
	})
	for i := 0; faults.Load() == 0; i++ {
		if i == 40 {
			t.Fatal("the holder with the broken disk was never chosen")
		}
		name := filepath.Join(t.TempDir(), fmt.Sprint("file", i))
		writeFile(t, name, 400_000, uint64(i))
		r := c.put(name, 3)
		if len(r.Holders) != 3 || slices.Contains(r.Holders, c.Nodes[1].ID()) {
			t.Errorf("receipts of %v; the broken one is %s", r.Holders, c.Nodes[1].ID())
		}
		for i, h := range c.holders[1:] {
			if got := h.Usage().Blobs; got == 0 {
				t.Errorf("holder %d has a receipt and no blob", i+1)
			}
		}
		// The copy that was missing came from another holder, not from us.
		if r.Sent != r.Sealed {
			t.Errorf("%d bytes left for a blob of %d", r.Sent, r.Sealed)
		}
	}
	if u := c.holders[0].Usage(); u.Blobs != 0 || u.Held != 0 {
		t.Errorf("the broken holder keeps %+v", u)
	}
}

func TestFailingDiskLeavesTooFew(t *testing.T) {
	t.Parallel()
	broken := durabletest.Wrap(durable.OS{}, func(op durabletest.Op) error {
		if op.Kind == "Rename" && strings.Contains(op.Name, "blobs") {
			return errors.New("injected")
		}
		return nil
	})
	c := newCluster(t, 2, func(holder int) []backup.Option {
		if holder == 0 {
			return []backup.Option{backup.WithFS(broken)}
		}
		return nil
	})
	name := filepath.Join(t.TempDir(), "file")
	writeFile(t, name, 1000, 1)
	r, err := c.owner.Put(t.Context(), name, backup.PutOptions{Replicas: 2})
	if !errors.Is(err, backup.ErrTooFewHolders) || !slices.Equal(r.Holders, []peer.ID{c.Nodes[2].ID()}) {
		t.Errorf("%+v: %v", r, err)
	}
	if got := c.holders[1].Usage().Blobs; got != 1 {
		t.Errorf("the sound holder has %d blobs", got)
	}
}

// A holder that is cut off in the middle of a transfer is replaced.
func TestHolderCutDuringPut(t *testing.T) {
	t.Parallel()
	patience := backup.WithPatience(2 * time.Second)
	c := newCluster(t, 5, func(int) []backup.Option { return []backup.Option{patience} })
	owner := newService(t, c.Nodes[0], t.TempDir(), patience)
	name := filepath.Join(t.TempDir(), "file")
	writeFile(t, name, 8<<20, 1)
	var once sync.Once
	var victim peer.ID
	r, err := owner.Put(t.Context(), name, backup.PutOptions{Replicas: 2, Progress: func(p backup.Progress) {
		if p.Stage == backup.StageSend {
			once.Do(func() {
				victim = p.Holder
				c.cut(victim)
			})
		}
	}})
	must(t, err)
	if len(r.Holders) != 2 || slices.Contains(r.Holders, victim) || victim == "" {
		t.Errorf("receipts of %v; %s was cut off", r.Holders, victim)
	}
	if _, err := owner.Get(t.Context(), r.ID, t.TempDir(), backup.GetOptions{}); err != nil {
		t.Error(err)
	}
}

// cut cuts a node off without a goodbye.
func (c *cluster) cut(id peer.ID) {
	for i, n := range c.Nodes {
		if n.ID() == id {
			c.Cut(i)
		}
	}
}
