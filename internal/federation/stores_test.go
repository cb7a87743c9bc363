package federation

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// The log on disk keeps to the contract that raft has with its stores.
func TestBoltLog(t *testing.T) {
	name := filepath.Join(t.TempDir(), "raft.db")
	log, err := openBoltLog(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := durable.CheckPrivate(durable.OS{}, name, durable.PrivatePerm); err != nil {
		t.Error(err)
	}
	if first, err := log.FirstIndex(); first != 0 || err != nil {
		t.Errorf("an empty log begins at %d, %v", first, err)
	}
	if _, err := log.Get([]byte("never set")); err == nil || err.Error() != "not found" {
		t.Errorf("a value that was never set: %v", err)
	}
	if _, err := log.GetUint64([]byte("never set")); err == nil || err.Error() != "not found" {
		t.Errorf("a number that was never set: %v", err)
	}
	if err := log.GetLog(1, &raft.Log{}); !errors.Is(err, raft.ErrLogNotFound) {
		t.Errorf("an entry that is not there: %v", err)
	}
	var entries []*raft.Log
	for i := range uint64(1000) {
		entries = append(entries, &raft.Log{
			Index: i + 1, Term: 3, Type: raft.LogCommand, Data: bytes.Repeat([]byte{byte(i)}, int(i)), AppendedAt: time.Unix(int64(i), 5),
		})
	}
	if err := log.StoreLogs(entries); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(log.SetUint64([]byte("n"), 7), log.Set([]byte("b"), []byte("bytes")), log.DeleteRange(1, 500), log.DeleteRange(900, 2000)); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if log, err = openBoltLog(name); err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	first, errFirst := log.FirstIndex()
	last, errLast := log.LastIndex()
	if first != 501 || last != 899 || errors.Join(errFirst, errLast) != nil {
		t.Errorf("the log goes from %d to %d, %v %v", first, last, errFirst, errLast)
	}
	for i := first; i <= last; i++ {
		var got raft.Log
		want := entries[i-1]
		if err := log.GetLog(i, &got); err != nil || got.Index != i || got.Term != 3 || got.Type != want.Type ||
			!bytes.Equal(got.Data, want.Data) || !got.AppendedAt.Equal(want.AppendedAt) {
			t.Fatalf("entry %d came back as %+v, %v", i, got, err)
		}
	}
	if n, err := log.GetUint64([]byte("n")); n != 7 || err != nil {
		t.Errorf("number: %d, %v", n, err)
	}
	if b, err := log.Get([]byte("b")); string(b) != "bytes" || err != nil {
		t.Errorf("bytes: %q, %v", b, err)
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
