package bootstrap

import (
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Store keeps what a [Server] has granted. [OpenStore] gives one on disk,
// [MemoryStore] one that forgets.
type Store struct{ leaseLog }

// leaseLog keeps leases.
type leaseLog interface {
	// Append adds records, in order, and returns when they are durable.
	Append(records ...[]byte) error
	// Records reads all that was appended, from the oldest.
	Records() iter.Seq2[[]byte, error]
	// Rewrite replaces all records at once.
	Rewrite(records iter.Seq2[[]byte, error]) error
	// Size is the number of bytes that the records take.
	Size() int64
	Close() error
}

var (
	_ leaseLog = (*durable.Log)(nil)
	_ leaseLog = (*memoryStore)(nil)
)

// OpenStore opens the store in a folder, which is made if it is missing. A damaged
// file is set aside and what is whole in it is kept; the logger is told.
func OpenStore(folder string, logger *slog.Logger) (*Store, error) {
	return openStore(durable.OS{}, folder, logger)
}

func openStore(fsys durable.FS, folder string, logger *slog.Logger) (*Store, error) {
	if err := durable.MkdirAll(fsys, folder, durable.PrivateDirPerm); err != nil {
		return nil, fmt.Errorf("open the directory's store: %w", err)
	}
	if err := durable.RemoveTemp(fsys, folder); err != nil {
		return nil, fmt.Errorf("open the directory's store: %w", err)
	}
	l, repair, err := durable.OpenLog(fsys, filepath.Join(folder, "registrations"))
	if err != nil {
		return nil, fmt.Errorf("open the directory's store: %w", err)
	}
	if repair.Damaged() {
		logger.Warn("the stored registrations were damaged; what is whole is kept",
			"lost_bytes", repair.Lost, "damaged_file", repair.Quarantine)
	}
	if repair.Cut > 0 {
		logger.Warn("the end of the stored registrations was cut off, as by a crash in the middle of a write",
			"cut_bytes", repair.Cut)
	}
	return &Store{l}, nil
}

// MemoryStore returns a store that lasts as long as the process.
func MemoryStore() *Store { return &Store{&memoryStore{}} }

type memoryStore struct {
	mu      sync.Mutex
	records [][]byte
	size    int64
	closed  bool
}

func (m *memoryStore) Append(records ...[]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fs.ErrClosed
	}
	for _, r := range records {
		m.records = append(m.records, r)
		m.size += int64(len(r))
	}
	return nil
}

func (m *memoryStore) Records() iter.Seq2[[]byte, error] {
	m.mu.Lock()
	records := slices.Clone(m.records)
	m.mu.Unlock()
	return func(yield func([]byte, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *memoryStore) Rewrite(records iter.Seq2[[]byte, error]) error {
	fresh := &memoryStore{}
	for r, err := range records {
		if err != nil {
			return err
		}
		if err := fresh.Append(r); err != nil {
			return err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.records, m.size = fresh.records, fresh.size
	return nil
}

func (m *memoryStore) Size() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.size
}

func (m *memoryStore) Close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

// The lines of a store.

func storedGrant(e entry) []byte {
	return marshal(&pb.DirectoryStored{Record: e.claim.sealed, SinceUnixMs: e.since.UnixMilli()})
}

func storedEnd(id leaseID) []byte {
	return marshal(&pb.DirectoryStored{EndedPeer: []byte(id.peer), EndedName: string(id.key)})
}

// marshal cannot fail: the strings in what this package stores are checked UTF-8.
func marshal(m proto.Message) []byte {
	data, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("bootstrap: encode %T: %v", m, err))
	}
	return data
}
