package bootstrap

import (
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/federation"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Store keeps what a [Server] has granted. [OpenStore] gives one on disk,
// [MemoryStore] one that forgets. It is for one server at a time.
type Store struct {
	folder string // "" in memory
	leases leaseStore
	names  *federation.Stores // in memory only; a server opens those on disk
}

// leaseStore keeps the leases of one server.
type leaseStore interface {
	// commit keeps and drops leases, in order, and returns when that is durable.
	commit(steps []leaseStep) error
	// replace keeps these leases instead of all others, and returns when that is
	// durable.
	replace(all []leaseStep) error
	// all reads the leases, in no order.
	all() iter.Seq2[leaseStep, error]
	// members are the other servers of the federation, in case consensus's own
	// file is lost.
	members() ([]peer.AddrInfo, error)
	setMembers(all []peer.AddrInfo) error
	close() error
}

// leaseStep is one step of a commit.
type leaseStep struct {
	id     leaseID
	stored []byte // a DirectoryStored; nil: the lease has ended
}

// OpenStore opens the store in a folder, which is made if it is missing. A damaged
// file is set aside, what can be read of it is kept, and the logger is told. The
// registrations of an older version are taken over.
func OpenStore(folder string, logger *slog.Logger) (*Store, error) {
	fsys := durable.OS{}
	if err := durable.MkdirAll(fsys, folder, durable.PrivateDirPerm); err != nil {
		return nil, fmt.Errorf("open the directory's store: %w", err)
	}
	if err := durable.RemoveTemp(fsys, folder); err != nil {
		return nil, fmt.Errorf("open the directory's store: %w", err)
	}
	leases, err := openLeaseFile(folder, logger)
	if err != nil {
		return nil, fmt.Errorf("open the directory's store: %w", err)
	}
	return &Store{folder: folder, leases: leases}, nil
}

// MemoryStore returns a store that lasts as long as the process.
func MemoryStore() *Store {
	return &Store{leases: &memoryLeases{kept: make(map[leaseID][]byte)}, names: federation.MemoryStores()}
}

// openNames opens what consensus keeps, for a server that closes it.
func (s *Store) openNames(logger *slog.Logger) (*federation.Stores, error) {
	if s.folder == "" {
		return s.names, nil
	}
	return openNamesIn(s.folder, logger)
}

// Close closes the store, after its server.
func (s *Store) Close() error { return s.leases.close() }

type memoryLeases struct {
	mu     sync.Mutex
	kept   map[leaseID][]byte
	others []peer.AddrInfo
	closed bool
}

var _ leaseStore = (*memoryLeases)(nil)

func (m *memoryLeases) commit(steps []leaseStep) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return fs.ErrClosed
	}
	for _, s := range steps {
		if s.stored == nil {
			delete(m.kept, s.id)
		} else {
			m.kept[s.id] = s.stored
		}
	}
	return nil
}

func (m *memoryLeases) replace(all []leaseStep) error {
	m.mu.Lock()
	clear(m.kept)
	m.mu.Unlock()
	return m.commit(all)
}

func (m *memoryLeases) all() iter.Seq2[leaseStep, error] {
	m.mu.Lock()
	kept := maps.Clone(m.kept)
	m.mu.Unlock()
	return func(yield func(leaseStep, error) bool) {
		for id, stored := range kept {
			if !yield(leaseStep{id, stored}, nil) {
				return
			}
		}
	}
}

func (m *memoryLeases) members() ([]peer.AddrInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.others, nil
}

func (m *memoryLeases) setMembers(all []peer.AddrInfo) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.others = all
	return nil
}

func (m *memoryLeases) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	return nil
}

func grantStep(e *entry) leaseStep {
	return leaseStep{e.id(), marshal(&pb.DirectoryStored{
		Record: e.claim.envelope(), SinceUnixMs: e.since.time().UnixMilli(), Detached: e.detached,
	})}
}

// marshal cannot fail: the strings in what this package stores are checked UTF-8.
func marshal(m proto.Message) []byte {
	data, err := proto.Marshal(m)
	if err != nil {
		panic(fmt.Sprintf("bootstrap: encode %T: %v", m, err))
	}
	return data
}
