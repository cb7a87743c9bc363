package backup

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// openStore opens a holder's folder: it sweeps what an interrupted write left, moves
// damaged blobs aside and counts the others.
func openStore(fsys durable.FS, folder, network string, quota int64, log *slog.Logger) (*store, error) {
	s := &store{
		fsys: fsys, folder: folder, network: network, quota: quota, log: log, changed: func() {},
		orders: make(map[BlobID]*order), owners: make(map[Owner]map[BlobID]bool), pending: make(map[BlobID]bool),
	}
	blobs := filepath.Join(folder, "blobs")
	if err := durable.MkdirAll(fsys, blobs, durable.PrivateDirPerm); err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	folders, err := fsys.List(blobs)
	if err != nil {
		return nil, fmt.Errorf("open blob store: %w", err)
	}
	for _, name := range folders {
		if err := s.sweep(filepath.Join(blobs, name)); err != nil {
			return nil, fmt.Errorf("open blob store: %w", err)
		}
	}
	return s, nil
}

// sweep reads one folder of blobs.
func (s *store) sweep(folder string) error {
	if info, err := s.fsys.Stat(folder); err != nil || !info.IsDir() {
		s.log.Warn("strange file in the blob store", "name", folder)
		return nil
	}
	if err := durable.RemoveTemp(s.fsys, folder); err != nil {
		return err
	}
	names, err := s.fsys.List(folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		hexID, _, suffixed := strings.Cut(name, ".")
		id, err := ParseID(hexID)
		full := filepath.Join(folder, name)
		switch {
		case err != nil || filepath.Join(folder, hexID) != s.path(id):
			s.log.Warn("strange file in the blob store", "name", full)
		case !suffixed:
			if err := s.enter(id); err != nil {
				return err
			}
		default: // of a blob that never got its name
			if _, err := s.fsys.Stat(s.path(id)); errors.Is(err, fs.ErrNotExist) {
				// It may have been moved aside with its blob.
				if err := s.fsys.Remove(full); err != nil && !errors.Is(err, fs.ErrNotExist) {
					return err
				}
			}
		}
	}
	return nil
}

// enter checks a blob's name, sizes and order, and moves it aside if they disagree.
// Its bytes are verified when they are served. A sound blob of another network is an
// error: whoever names the wrong network must not lose what is kept for others. So is a
// read that fails, which may pass: too many open files, a cable.
func (s *store) enter(id BlobID) error {
	o, err := s.check(id)
	if errors.Is(err, errNetwork) {
		return fmt.Errorf("%q keeps blobs of another network: name that network, or use another folder: %w", s.folder, err)
	}
	if err != nil && !isDamage(err) {
		return fmt.Errorf("check blob %s: %w", id, err)
	}
	if err != nil {
		s.log.Error("damaged blob moved aside", "blob", id, "to", s.damaged(), "error", errors.Join(err, s.moveAside(id)))
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.add(o)
	return nil
}

// isDamage tells whether an error of check is for good: a file that is missing, or of
// the wrong size or content.
func isDamage(err error) bool {
	for _, damage := range []error{fs.ErrNotExist, ErrDamaged, errMalformed, ErrTooLarge, durable.ErrTooLarge} {
		if errors.Is(err, damage) {
			return true
		}
	}
	return false
}

func (s *store) check(id BlobID) (*order, error) {
	encoded, err := durable.ReadFile(s.fsys, s.path(id)+orderSuffix, maxOrder)
	if err != nil {
		return nil, err
	}
	var signed pb.Order
	if err := proto.Unmarshal(encoded, &signed); err != nil {
		return nil, fmt.Errorf("order: %w", errMalformed)
	}
	o, err := checkOrder(s.network, &signed)
	if err != nil {
		return nil, err
	}
	if o.id != id {
		return nil, fmt.Errorf("order: %w: for blob %s", errMalformed, o.id)
	}
	for suffix, want := range map[string]int64{"": o.size, treeSuffix: treeSize(o.size)} {
		info, err := s.fsys.Stat(s.path(id) + suffix)
		if err != nil {
			return nil, err
		}
		if info.Size() != want {
			return nil, fmt.Errorf("%w: %d bytes, not %d, in %q", ErrDamaged, info.Size(), want, info.Name())
		}
	}
	return o, nil
}
