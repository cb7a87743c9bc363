package backup

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// store is a holder's disk:
//
//	blobs/ab/abcd...        the sealed bytes, under the ID in hexadecimal
//	blobs/ab/abcd....tree   the outboard of its Bao tree
//	blobs/ab/abcd....order  the owner's signed order
//	damaged/                what was found not to be what its ID says
//
// The sealed bytes get their name last: with it, all three are durable. A store may
// be used concurrently.
type store struct {
	fsys    durable.FS
	folder  string
	network string
	quota   int64
	log     *slog.Logger
	changed func() // what is held, or the space left; called with mu held

	mu      sync.Mutex
	orders  map[BlobID]*order
	owners  map[Owner]map[BlobID]bool
	pending map[BlobID]bool
	held    int64 // bytes in use
	promise int64 // bytes reserved for what is on its way
}

const (
	treeSuffix  = ".tree"
	orderSuffix = ".order"
)

// footprint is the space that a blob takes.
func footprint(o *order) int64 { return o.size + treeSize(o.size) + maxOrder }

func (s *store) path(id BlobID) string {
	name := id.String()
	return filepath.Join(s.folder, "blobs", name[:2], name)
}

// usage returns the bytes in use or reserved.
func (s *store) usage() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held + s.promise
}

// find returns the order of a blob that is held, nil if it is not.
func (s *store) find(id BlobID) *order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.orders[id]
}

// ownedBy returns the orders of all blobs of an owner, and their size in sum.
func (s *store) ownedBy(owner Owner) (orders []*order, size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id := range s.owners[owner] {
		orders = append(orders, s.orders[id])
		size += s.orders[id].size
	}
	return orders, size
}

// list returns all blobs that are held, and whose they are.
func (s *store) list() (blobs []BlobID, owners []Owner) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.orders)), slices.Collect(maps.Keys(s.owners))
}

// add enters a blob that is durable. mu is held.
func (s *store) add(o *order) {
	s.orders[o.id] = o
	if s.owners[o.owner] == nil {
		s.owners[o.owner] = make(map[BlobID]bool)
	}
	s.owners[o.owner][o.id] = true
	s.held += footprint(o)
	s.changed()
}

// reserve promises space for a blob before a byte of it is taken. The caller commits
// or aborts. ErrQuota, ErrBusy, or errHave if it is here.
func (s *store) reserve(o *order) (*incoming, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.orders[o.id] != nil:
		return nil, errHave
	case s.pending[o.id]:
		return nil, fmt.Errorf("%w: blob %s is on its way already", ErrBusy, o.id.Short())
	case footprint(o) > s.quota-s.held-s.promise:
		return nil, fmt.Errorf("%w: %d bytes wanted, %d free", ErrQuota, footprint(o), s.quota-s.held-s.promise)
	}
	s.pending[o.id] = true
	s.promise += footprint(o)
	s.changed()
	return &incoming{store: s, order: o}, nil
}

// release ends a promise. mu is held.
func (s *store) release(o *order) {
	delete(s.pending, o.id)
	s.promise -= footprint(o)
	s.changed()
}

// open opens a blob for reading; ErrNotFound if it is not here.
func (s *store) open(id BlobID) (*stored, error) {
	o := s.find(id)
	if o == nil {
		return nil, ErrNotFound
	}
	blob, err := s.fsys.Open(s.path(id))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDisk, err)
	}
	tree, err := s.fsys.Open(s.path(id) + treeSuffix)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errDisk, errors.Join(err, blob.Close()))
	}
	return &stored{store: s, order: o, blob: blob, tree: tree}, nil
}

// stored is a blob open for reading, by one goroutine.
type stored struct {
	store      *store
	order      *order
	blob, tree durable.File
}

// slice returns the Bao slice of length bytes at offset and the bytes in it, after
// verifying them: a damaged disk is found here, and the blob served no more.
func (s *stored) slice(offset, length int64) (slice, data []byte, err error) {
	slice, err = extractSlice(s.blob, s.tree, s.order.size, offset, length)
	if err == nil {
		data, err = checkSlice(s.order.id, s.order.size, slice, offset, length)
	}
	if err == nil {
		return slice, data, nil
	}
	if errors.Is(err, ErrDamaged) || errors.Is(err, io.EOF) {
		s.store.quarantine(s.order, err)
		return nil, nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil, nil, fmt.Errorf("%w: %w", errDisk, err)
}

func (s *stored) close() error { return errors.Join(s.blob.Close(), s.tree.Close()) }

// quarantine stops serving a blob and moves its files aside, for a person to look at.
func (s *store) quarantine(o *order, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.orders[o.id] != o {
		return // by another goroutine
	}
	delete(s.orders, o.id)
	delete(s.owners[o.owner], o.id)
	if len(s.owners[o.owner]) == 0 {
		delete(s.owners, o.owner)
	}
	s.held -= footprint(o)
	s.changed()
	s.log.Error("damaged blob moved aside", "blob", o.id, "to", s.damaged(), "error", errors.Join(why, s.moveAside(o.id)))
}

func (s *store) damaged() string { return filepath.Join(s.folder, "damaged") }

// moveAside moves a blob's files to the folder damaged.
func (s *store) moveAside(id BlobID) error {
	if err := durable.MkdirAll(s.fsys, s.damaged(), durable.PrivateDirPerm); err != nil {
		return err
	}
	var errs []error
	for _, suffix := range []string{"", treeSuffix, orderSuffix} {
		from := s.path(id) + suffix
		if _, err := s.fsys.Stat(from); err == nil {
			errs = append(errs, s.fsys.Rename(from, filepath.Join(s.damaged(), filepath.Base(from))))
		}
	}
	return errors.Join(append(errs, s.fsys.SyncDir(filepath.Dir(s.path(id))), s.fsys.SyncDir(s.damaged()))...)
}
