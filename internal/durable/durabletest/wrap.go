package durabletest

import (
	"io/fs"
	"sync/atomic"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// Op is one operation on a file system or on a file of it.
type Op struct {
	Kind string // the method's name, like "Rename" or "Sync"
	Name string // of the file or folder; of Rename, the new one
}

// Changes reports whether the operation can change what is on the disk.
func (o Op) Changes() bool {
	switch o.Kind {
	case "Create", "Rename", "Remove", "Mkdir", "SyncDir", "Write", "Sync":
		return true
	}
	return false
}

// Wrap returns a file system that calls before ahead of each operation, and lets
// the operation fail with the error that before returns. A Write that is made to
// fail has written half of its bytes. before may be called concurrently.
func Wrap(fsys durable.FS, before func(Op) error) durable.FS {
	return &wrapped{fsys: fsys, before: before}
}

// FailAt returns a file system on which the n-th operation, counted from 1, fails
// with err, and no other; and a function that returns the number of operations so
// far. With n = 0 it only counts.
func FailAt(fsys durable.FS, n int, err error) (failing durable.FS, count func() int) {
	var ops atomic.Int64
	failing = Wrap(fsys, func(Op) error {
		if ops.Add(1) == int64(n) {
			return err
		}
		return nil
	})
	return failing, func() int { return int(ops.Load()) }
}

type wrapped struct {
	fsys   durable.FS
	before func(Op) error
}

var _ durable.FS = (*wrapped)(nil)

func (w *wrapped) file(f durable.File, name string, err error) (durable.File, error) {
	if err != nil {
		return nil, err
	}
	return &wrappedFile{f: f, name: name, before: w.before}, nil
}

func (w *wrapped) Create(name string, perm fs.FileMode) (durable.File, error) {
	if err := w.before(Op{"Create", name}); err != nil {
		return nil, err
	}
	f, err := w.fsys.Create(name, perm)
	return w.file(f, name, err)
}

func (w *wrapped) Open(name string) (durable.File, error) {
	if err := w.before(Op{"Open", name}); err != nil {
		return nil, err
	}
	f, err := w.fsys.Open(name)
	return w.file(f, name, err)
}

func (w *wrapped) Append(name string) (durable.File, error) {
	if err := w.before(Op{"Append", name}); err != nil {
		return nil, err
	}
	f, err := w.fsys.Append(name)
	return w.file(f, name, err)
}

func (w *wrapped) Rename(from, to string) error {
	if err := w.before(Op{"Rename", to}); err != nil {
		return err
	}
	return w.fsys.Rename(from, to)
}

func (w *wrapped) Remove(name string) error {
	if err := w.before(Op{"Remove", name}); err != nil {
		return err
	}
	return w.fsys.Remove(name)
}

func (w *wrapped) Mkdir(name string, perm fs.FileMode) error {
	if err := w.before(Op{"Mkdir", name}); err != nil {
		return err
	}
	return w.fsys.Mkdir(name, perm)
}

func (w *wrapped) SyncDir(name string) error {
	if err := w.before(Op{"SyncDir", name}); err != nil {
		return err
	}
	return w.fsys.SyncDir(name)
}

func (w *wrapped) List(name string) ([]string, error) {
	if err := w.before(Op{"List", name}); err != nil {
		return nil, err
	}
	return w.fsys.List(name)
}

func (w *wrapped) Stat(name string) (fs.FileInfo, error) {
	if err := w.before(Op{"Stat", name}); err != nil {
		return nil, err
	}
	return w.fsys.Stat(name)
}

type wrappedFile struct {
	f      durable.File
	name   string
	before func(Op) error
}

func (f *wrappedFile) Read(p []byte) (int, error) {
	if err := f.before(Op{"Read", f.name}); err != nil {
		return 0, err
	}
	return f.f.Read(p)
}

func (f *wrappedFile) ReadAt(p []byte, off int64) (int, error) {
	if err := f.before(Op{"ReadAt", f.name}); err != nil {
		return 0, err
	}
	return f.f.ReadAt(p, off)
}

func (f *wrappedFile) Write(p []byte) (int, error) {
	if err := f.before(Op{"Write", f.name}); err != nil {
		n, _ := f.f.Write(p[:len(p)/2])
		return n, err
	}
	return f.f.Write(p)
}

func (f *wrappedFile) Sync() error {
	if err := f.before(Op{"Sync", f.name}); err != nil {
		return err
	}
	return f.f.Sync()
}

// Close closes the file even when it is made to fail.
func (f *wrappedFile) Close() error {
	err := f.before(Op{"Close", f.name})
	if closeErr := f.f.Close(); err == nil {
		err = closeErr
	}
	return err
}
