package durabletest

import (
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// Mem is a file system in memory that knows what has been made durable: data by a
// Sync of the file, a file's existence and name by a SyncDir of its folder. It does
// not keep modes: files have 0600 and folders 0700. It has the folder "/".
type Mem struct {
	mu  sync.Mutex
	mem *vfs.MemFS
}

var _ durable.FS = (*Mem)(nil)

// NewMem returns an empty file system.
func NewMem() *Mem { return &Mem{mem: vfs.NewCrashableMem()} }

// Crash returns what a power cut at this moment would leave. Each block of 4 KiB
// and each entry of a folder that was not made durable is in it with the given
// probability in per cent; a block that is not, ahead of one that is, reads as
// zeros.
func (m *Mem) Crash(percent int, seed uint64) *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Mem{mem: m.mem.CrashClone(vfs.CrashCloneCfg{
		UnsyncedDataPercent: percent,
		RNG:                 rand.New(rand.NewPCG(seed, 0)),
	})}
}

// there returns fs.ErrNotExist unless name is there and, if wanted, a folder.
// mu is held.
func (m *Mem) there(op, name string, folder bool) error {
	info, err := m.mem.Stat(filepath.ToSlash(name))
	if err == nil && folder && !info.IsDir() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return &fs.PathError{Op: op, Path: name, Err: err}
	}
	return nil
}

// absent returns fs.ErrExist if name is there, and an error unless its folder is.
func (m *Mem) absent(op, name string) error {
	if err := m.there(op, filepath.Dir(name), true); err != nil {
		return err
	}
	if m.there(op, name, false) == nil {
		return &fs.PathError{Op: op, Path: name, Err: fs.ErrExist}
	}
	return nil
}

// Create implements durable.FS.
func (m *Mem) Create(name string, _ fs.FileMode) (durable.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.absent("create", name); err != nil {
		return nil, err
	}
	f, err := m.mem.Create(filepath.ToSlash(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	return &memFile{m: m, f: f, write: true}, nil
}

// Open implements durable.FS.
func (m *Mem) Open(name string) (durable.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f, err := m.mem.Open(filepath.ToSlash(name))
	if err != nil {
		return nil, err
	}
	return &memFile{m: m, f: f}, nil
}

// Append implements durable.FS.
func (m *Mem) Append(name string) (durable.File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.there("append", name, false); err != nil {
		return nil, err
	}
	f, err := m.mem.OpenReadWrite(filepath.ToSlash(name), vfs.WriteCategoryUnspecified)
	if err != nil {
		return nil, err
	}
	return &memFile{m: m, f: f, write: true}, nil
}

// Rename implements durable.FS.
func (m *Mem) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.there("rename", from, false); err != nil {
		return err
	}
	if err := m.there("rename", filepath.Dir(to), true); err != nil {
		return err
	}
	return m.mem.Rename(filepath.ToSlash(from), filepath.ToSlash(to))
}

// Remove implements durable.FS.
func (m *Mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mem.Remove(filepath.ToSlash(name))
}

// Mkdir implements durable.FS.
func (m *Mem) Mkdir(name string, perm fs.FileMode) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.absent("mkdir", name); err != nil {
		return err
	}
	return m.mem.MkdirAll(filepath.ToSlash(name), perm)
}

// SyncDir implements durable.FS.
func (m *Mem) SyncDir(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.there("sync", name, true); err != nil {
		return err
	}
	d, err := m.mem.OpenDir(filepath.ToSlash(name))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// List implements durable.FS.
func (m *Mem) List(name string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	names, err := m.mem.List(filepath.ToSlash(name))
	slices.Sort(names)
	return names, err
}

// Stat implements durable.FS.
func (m *Mem) Stat(name string) (fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	info, err := m.mem.Stat(filepath.ToSlash(name))
	if err != nil {
		return nil, err
	}
	return privateInfo{info}, nil
}

// privateInfo has the mode of a private file or folder.
type privateInfo struct{ fs.FileInfo }

func (i privateInfo) Mode() fs.FileMode {
	if i.IsDir() {
		return fs.ModeDir | 0o700
	}
	return 0o600
}

// memFile is for one goroutine at a time, but for ReadAt.
type memFile struct {
	m      *Mem
	f      vfs.File
	write  bool
	closed bool
}

// usable returns an error if the file is closed, or not open for writing if that is
// asked. m.mu is held.
func (f *memFile) usable(write bool) error {
	if f.closed {
		return fs.ErrClosed
	}
	if write != f.write {
		return fs.ErrPermission
	}
	return nil
}

func (f *memFile) Read(p []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.usable(false); err != nil {
		return 0, err
	}
	return f.f.Read(p)
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.usable(false); err != nil {
		return 0, err
	}
	return f.f.ReadAt(p, off)
}

func (f *memFile) Write(p []byte) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.usable(true); err != nil {
		return 0, err
	}
	info, err := f.f.Stat()
	if err != nil {
		return 0, err
	}
	return f.f.WriteAt(p, info.Size())
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	return f.f.Sync()
}

func (f *memFile) Close() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.closed {
		return fs.ErrClosed
	}
	f.closed = true
	return f.f.Close()
}
