// Package datadir keeps the data folder: one root that everything of a node lies
// under, with a version, a lock and key files.
//
//	VERSION   the number of the folder's format
//	LOCK      locked by the one process that uses the folder
//	node/     identity, host cache        chat/     histories, outbox
//	backup/   stored and own data         server/   a bootstrap server's identity and table
package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/gofrs/flock"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// ErrInUse is returned by [Open] for a folder that another process, or another part
// of this one, has open.
var ErrInUse = errors.New("data folder is in use")

// Folder is one of the folders of a data folder. Each belongs to one part of the
// program, which alone says what is in it.
type Folder string

// The folders. The list is append-only.
const (
	Node   Folder = "node"
	Chat   Folder = "chat"
	Backup Folder = "backup"
	Server Folder = "server"
)

func folders() []Folder { return []Folder{Node, Chat, Backup, Server} }

const (
	lockName    = "LOCK"
	versionName = "VERSION"
)

// Dir is an open data folder. It is safe for concurrent use.
type Dir struct {
	root string
	fsys durable.FS
	lock *flock.Flock

	mu     sync.Mutex // guards key files and closed
	closed bool
}

// Option changes how [Open] works.
type Option func(*Dir)

// WithFS makes a Dir use fsys instead of the operating system's files, except for the
// lock. It is for tests that inject errors.
func WithFS(fsys durable.FS) Option {
	return func(d *Dir) { d.fsys = fsys }
}

// Open opens the data folder root and locks it; one that is not there is created,
// for its owner alone. A folder written by an older version is migrated, one by a
// newer refused.
func Open(root string, opts ...Option) (*Dir, error) {
	return open(root, migrations(), opts...)
}

func open(root string, steps []migration, opts ...Option) (d *Dir, err error) {
	if root == "" {
		return nil, errors.New("open data folder: no name given")
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, fmt.Errorf("open data folder: %w", err)
	}
	d = &Dir{root: root, fsys: durable.OS{}}
	for _, o := range opts {
		o(d)
	}
	if err := durable.MkdirAll(d.fsys, root, durable.PrivateDirPerm); err != nil {
		return nil, fmt.Errorf("open data folder %q: %w", root, err)
	}
	d.lock = flock.New(filepath.Join(root, lockName), flock.SetPermissions(durable.PrivatePerm))
	switch locked, err := d.lock.TryLock(); {
	case err != nil:
		return nil, fmt.Errorf("lock data folder %q: %w", root, err)
	case !locked:
		return nil, fmt.Errorf("%w: %q is open in another program; stop that one, or choose another folder", ErrInUse, root)
	}
	if err := d.prepare(steps); err != nil {
		return nil, errors.Join(err, d.lock.Close())
	}
	return d, nil
}

// prepare brings a locked folder to the current format.
func (d *Dir) prepare(steps []migration) error {
	if err := d.settleVersion(steps); err != nil {
		return err
	}
	if err := durable.RemoveTemp(d.fsys, d.root); err != nil {
		return fmt.Errorf("clean data folder: %w", err)
	}
	for _, f := range folders() {
		path := d.Path(f)
		if err := durable.MkdirAll(d.fsys, path, durable.PrivateDirPerm); err != nil {
			return fmt.Errorf("prepare data folder: %w", err)
		}
		if err := durable.CheckPrivate(d.fsys, path, durable.PrivateDirPerm); err != nil {
			return err
		}
		if err := durable.RemoveTemp(d.fsys, path); err != nil {
			return fmt.Errorf("clean data folder: %w", err)
		}
	}
	return nil
}

// Root returns the folder's absolute path.
func (d *Dir) Root() string { return d.root }

// Path returns the path of a folder in it.
func (d *Dir) Path(f Folder) string { return filepath.Join(d.root, string(f)) }

// FS returns the file system that the folder is on.
func (d *Dir) FS() durable.FS { return d.fsys }

// Close unlocks the folder. Nothing may use its files any more.
func (d *Dir) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil
	}
	d.closed = true
	// The lock file stays: removing it would let two processes lock two files.
	if err := d.lock.Close(); err != nil {
		return fmt.Errorf("unlock data folder %q: %w", d.root, err)
	}
	return nil
}

// Default returns where the data folder is if nobody said otherwise: "grapevine" in
// $XDG_DATA_HOME or ~/.local/share, and on macOS and Windows in the user's folder for
// application data.
func Default() (string, error) {
	base, err := defaultBase(runtime.GOOS)
	if err != nil {
		return "", fmt.Errorf("find the default data folder: %w", err)
	}
	return filepath.Join(base, "grapevine"), nil
}

func defaultBase(goos string) (string, error) {
	switch goos {
	case "darwin", "ios", "windows", "plan9":
		return os.UserConfigDir()
	}
	// As the XDG specification says, a relative path is ignored.
	if base := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(base) {
		return base, nil
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, ".local", "share"), err
}
