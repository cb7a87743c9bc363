package durable

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
)

// tempPrefix begins the name of a file that is not committed yet.
const tempPrefix = ".tmp-"

// ErrTooLarge is returned by [ReadFile] for a file over the limit.
var ErrTooLarge = errors.New("file too large")

// WriteFile replaces the content of name, or creates it. When it returns without
// an error the new content is durable. Whatever happens before that, the file has
// its old content or the new, whole.
func WriteFile(fsys FS, name string, data []byte, perm fs.FileMode) error {
	p, err := NewPending(fsys, name, perm)
	if err != nil {
		return err
	}
	if _, err := p.Write(data); err != nil {
		return errors.Join(fmt.Errorf("write %q: %w", name, err), p.Abort())
	}
	return p.Commit()
}

// ReadFile returns the content of a file of at most limit bytes.
func ReadFile(fsys FS, name string, limit int64) ([]byte, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	if int64(len(data)) > limit {
		return nil, fmt.Errorf("read %q: %w: at most %d bytes", name, ErrTooLarge, limit)
	}
	return data, nil
}

// MkdirAll makes the folder name and those above it that are missing, durably. A
// folder that is there already keeps its mode.
func MkdirAll(fsys FS, name string, perm fs.FileMode) error {
	info, err := fsys.Stat(name)
	if err == nil {
		if !info.IsDir() {
			return fmt.Errorf("make folder %q: a file is in its place", name)
		}
		return nil
	}
	parent := filepath.Dir(name)
	if !errors.Is(err, fs.ErrNotExist) || parent == name {
		return err
	}
	if err := MkdirAll(fsys, parent, perm); err != nil {
		return err
	}
	if err := fsys.Mkdir(name, perm); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fsys.SyncDir(parent)
}

// TempName returns a new name in a folder for a file that [RemoveTemp] may remove.
func TempName(folder string) string {
	var random [8]byte
	rand.Read(random[:]) // never fails
	return filepath.Join(folder, tempPrefix+hex.EncodeToString(random[:]))
}

// RemoveTemp removes from a folder what an interrupted write left there. Nothing
// may be writing in the folder meanwhile.
func RemoveTemp(fsys FS, folder string) error {
	names, err := fsys.List(folder)
	if err != nil {
		return err
	}
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) {
			if err := fsys.Remove(filepath.Join(folder, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// Pending is a file that is not there under its name until [Pending.Commit]. It is
// for one goroutine.
type Pending struct {
	fsys FS
	file File
	name string
	temp string
}

// NewPending begins a file that will be called name, in a folder that exists.
func NewPending(fsys FS, name string, perm fs.FileMode) (*Pending, error) {
	temp := TempName(filepath.Dir(name))
	f, err := fsys.Create(temp, perm)
	if err != nil {
		return nil, fmt.Errorf("create a temporary file for %q: %w", name, err)
	}
	return &Pending{fsys: fsys, file: f, name: name, temp: temp}, nil
}

// Write adds to the file's content.
func (p *Pending) Write(data []byte) (int, error) { return p.file.Write(data) }

// Commit gives the file its name, replacing one that had it. When it returns
// without an error the file is durable; after an error the name has its old file
// or the new one, and the temporary file is gone if it could be removed.
func (p *Pending) Commit() error {
	if err := p.file.Sync(); err != nil {
		return errors.Join(fmt.Errorf("sync %q: %w", p.name, err), p.Abort())
	}
	if err := p.file.Close(); err != nil {
		return errors.Join(fmt.Errorf("close %q: %w", p.name, err), p.fsys.Remove(p.temp))
	}
	if err := p.fsys.Rename(p.temp, p.name); err != nil {
		return errors.Join(fmt.Errorf("rename %q: %w", p.name, err), p.fsys.Remove(p.temp))
	}
	if err := p.fsys.SyncDir(filepath.Dir(p.name)); err != nil {
		return fmt.Errorf("sync the folder of %q: %w", p.name, err)
	}
	return nil
}

// Abort drops what was written. It is called instead of Commit.
func (p *Pending) Abort() error {
	return errors.Join(p.file.Close(), p.fsys.Remove(p.temp))
}
