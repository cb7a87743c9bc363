package federation

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// What is on disk is its owner's alone, and there after it was closed.
func TestStoresOnDisk(t *testing.T) {
	folder := t.TempDir()
	stores, err := OpenStores(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := durable.CheckPrivate(durable.OS{}, filepath.Join(folder, "raft.db"), durable.PrivatePerm); err != nil {
		t.Error(err)
	}
	if r, err := stores.random(federationKey); r != "" || err != nil {
		t.Errorf("a value that was never set: %q, %v", r, err)
	}
	first, err := stores.incarnation()
	if err != nil || first == "" {
		t.Fatalf("incarnation %q, %v", first, err)
	}
	if err := stores.Close(); err != nil {
		t.Fatal(err)
	}
	if stores, err = OpenStores(folder); err != nil {
		t.Fatal(err)
	}
	defer stores.Close()
	if again, err := stores.incarnation(); again != first || err != nil {
		t.Errorf("incarnation %s came back as %s, %v", first, again, err)
	}
}

// A founding that was cut short after any write is completed at the next start, as
// the same federation.
func TestFoundingCutShort(t *testing.T) {
	net := newMemNet(1)
	whole := newServer(t, 1)
	for left := range 5 {
		s := newServer(t, 1)
		s.key, s.id = whole.key, whole.id
		broken := &failing{StableStore: s.stores.stable, LogStore: s.stores.logs, left: left}
		good := s.stores
		s.stores = &Stores{logs: broken, stable: broken, snaps: good.snaps}
		if f, err := Start(t.Context(), s.config(net)); err == nil {
			t.Errorf("%d writes are enough", left)
			_ = f.Close()
			continue
		}
		s.stores = good
		s.start(t, net)
		if _, err := s.Claim(t.Context(), claimOf(owner(t, 1), "alice", 1)); err != nil {
			t.Errorf("after %d writes: %v", left, err)
		}
		s.stop(t)
	}
}

// failing is a store that takes a number of writes.
type failing struct {
	raft.StableStore
	raft.LogStore
	left int
}

func (f *failing) write() error {
	if f.left--; f.left < 0 {
		return os.ErrInvalid
	}
	return nil
}

func (f *failing) Set(key, value []byte) error {
	if err := f.write(); err != nil {
		return err
	}
	return f.StableStore.Set(key, value)
}

func (f *failing) SetUint64(key []byte, value uint64) error {
	if err := f.write(); err != nil {
		return err
	}
	return f.StableStore.SetUint64(key, value)
}

func (f *failing) StoreLog(l *raft.Log) error {
	if err := f.write(); err != nil {
		return err
	}
	return f.LogStore.StoreLog(l)
}
