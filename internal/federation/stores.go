package federation

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hashicorp/raft"
	raftboltdb "github.com/hashicorp/raft-boltdb/v2"
	"go.etcd.io/bbolt"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// Stores is what a server keeps: raft's log and votes, its snapshots, and which
// incarnation of the server it belongs to.
type Stores struct {
	logs   raft.LogStore
	stable raft.StableStore
	snaps  raft.SnapshotStore
	file   io.Closer // nil in memory
}

// OpenStores opens what is in a folder, or makes it. What it acknowledges is synced.
func OpenStores(folder string) (*Stores, error) {
	if err := os.MkdirAll(folder, durable.PrivateDirPerm); err != nil {
		return nil, fmt.Errorf("make the federation's folder: %w", err)
	}
	// bbolt syncs what is stored. (raft-boltdb v2.3.1 does not build beside raft v1.8.0:
	// the metrics package that they share dropped what it imports.)
	log, err := raftboltdb.New(raftboltdb.Options{
		Path:        filepath.Join(folder, "raft.db"),
		BoltOptions: &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType},
	})
	if err != nil {
		return nil, fmt.Errorf("open the federation's log: %w", err)
	}
	snaps, err := raft.NewFileSnapshotStoreWithLogger(folder, keptSnapshots, silent())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the federation's snapshots: %w", err), log.Close())
	}
	return &Stores{logs: log, stable: log, snaps: snaps, file: log}, nil
}

// MemoryStores keeps everything in memory. Its Close keeps it too, so that a test
// can start a server again with what it had.
func MemoryStores() *Stores {
	store := raft.NewInmemStore()
	return &Stores{logs: store, stable: store, snaps: raft.NewInmemSnapshotStore()}
}

// Close closes the files.
func (s *Stores) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}

// Keys in the stable store beside raft's own.
var (
	incarnationKey = []byte("grapevine/incarnation")
	federationKey  = []byte("grapevine/federation")
	rivalKey       = []byte("grapevine/rival")
)

// incarnation is the store's, made when the store is new.
func (s *Stores) incarnation() (random, error) {
	r, err := s.random(incarnationKey)
	if err != nil || r != "" {
		return r, err
	}
	r = newRandom()
	return r, s.stable.Set(incarnationKey, []byte(r))
}

// random returns what is stored under a key, "" if nothing is.
func (s *Stores) random(key []byte) (random, error) {
	value, err := s.stable.Get(key)
	if err != nil && err.Error() != raftboltdb.ErrKeyNotFound.Error() { // all of raft's stores say it in these words
		return "", fmt.Errorf("read the federation's store: %w", err)
	}
	if len(value) == 0 {
		return "", nil
	}
	if !random(value).valid() {
		return "", fmt.Errorf("read the federation's store: %w: %q", errMalformed, value)
	}
	return random(value), nil
}
