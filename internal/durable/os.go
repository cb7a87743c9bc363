package durable

import (
	"io/fs"
	"os"
)

// OS is the file system of the operating system.
type OS struct{}

var _ FS = OS{}

// Create implements [FS].
func (OS) Create(name string, perm fs.FileMode) (File, error) {
	return open(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
}

// Open implements [FS].
func (OS) Open(name string) (File, error) {
	return open(name, os.O_RDONLY, 0)
}

// Append implements [FS].
func (OS) Append(name string) (File, error) {
	return open(name, os.O_WRONLY|os.O_APPEND, 0)
}

// open keeps a nil *os.File from becoming a File that is not nil.
func open(name string, flag int, perm fs.FileMode) (File, error) {
	f, err := os.OpenFile(name, flag, perm)
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Rename implements [FS].
func (OS) Rename(from, to string) error { return os.Rename(from, to) }

// Remove implements [FS].
func (OS) Remove(name string) error { return os.Remove(name) }

// Mkdir implements [FS].
func (OS) Mkdir(name string, perm fs.FileMode) error { return os.Mkdir(name, perm) }

// SyncDir implements [FS].
func (OS) SyncDir(name string) error { return syncDir(name) }

// List implements [FS].
func (OS) List(name string) ([]string, error) {
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, nil
}

// Stat implements [FS].
func (OS) Stat(name string) (fs.FileInfo, error) { return os.Stat(name) }
