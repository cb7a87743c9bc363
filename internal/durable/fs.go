package durable

import (
	"io"
	"io/fs"
)

// FS is all that durable state asks of a file system. Names are paths in the
// system's own form (package path/filepath). Errors match fs.ErrNotExist and
// fs.ErrExist where that is what happened. An FS is safe for concurrent use.
type FS interface {
	// Create makes a file that does not exist yet, for writing.
	Create(name string, perm fs.FileMode) (File, error)
	// Open opens a file for reading.
	Open(name string) (File, error)
	// Append opens an existing file for writing at its end.
	Append(name string) (File, error)
	// Rename moves a file; one that has the new name already is replaced.
	Rename(from, to string) error
	// Remove removes a file or an empty folder.
	Remove(name string) error
	// Mkdir makes a folder that does not exist yet, in one that does.
	Mkdir(name string, perm fs.FileMode) error
	// SyncDir makes the entries of a folder durable: files created in it, renamed
	// and removed. Where the system has no such call it does nothing.
	SyncDir(name string) error
	// List returns the names in a folder, sorted.
	List(name string) ([]string, error)
	// Stat describes a file or folder, following links.
	Stat(name string) (fs.FileInfo, error)
}

// File is an open file. What was written is durable once Sync has returned, if the
// file's entry in its folder is.
type File interface {
	io.Reader
	io.ReaderAt
	io.Writer
	io.Closer
	Sync() error
}
