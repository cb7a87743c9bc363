package bootstrap

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/federation"
)

// What consensus keeps in the store's folder.
const (
	namesFileName   = "raft.db"
	namesFolderName = "snapshots"
)

// openNamesIn opens what consensus keeps. A damaged file is set aside, with the
// snapshots that belong to it: the server is then one that lost its names, and gets
// them from the others.
func openNamesIn(folder string, logger *slog.Logger) (*federation.Stores, error) {
	name := filepath.Join(folder, namesFileName)
	if damage := checkFile(name); damage != nil {
		if errors.Is(damage, bolterrors.ErrTimeout) {
			return nil, fmt.Errorf("%q is in use by another server", name)
		}
		aside, err := setAside(name)
		if err != nil {
			return nil, fmt.Errorf("set the damaged log of names aside: %w", err)
		}
		_, err = setAside(filepath.Join(folder, namesFolderName))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("set the snapshots of names aside: %w", err)
		}
		if err := (durable.OS{}).SyncDir(folder); err != nil {
			return nil, fmt.Errorf("set the damaged log of names aside: %w", err)
		}
		logger.Warn("the log of names was damaged; a federation's other servers tell this one the names again, "+
			"and a single one grants them to the peers that are listed under them",
			"damaged_file", aside, "err", damage)
	}
	return federation.OpenStores(folder)
}

// checkFile reads a bbolt file through.
func checkFile(name string) error {
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return readFile(name, func(tx *bbolt.Tx) error {
		return tx.ForEach(func(_ []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(_, _ []byte) error { return nil })
		})
	})
}
