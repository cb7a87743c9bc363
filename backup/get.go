package backup

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// GetOptions change what Get does; the zero value is fine.
type GetOptions struct {
	Overwrite bool           // replace what is there under the backup's name
	Progress  func(Progress) // called often, from one goroutine at a time
}

// Restored tells what Get made.
type Restored struct {
	Path string // of the file or folder that was restored
	Contents
	Sealed  int64     // bytes that were received
	Holders []peer.ID // that gave them, in order
	Skipped []string  // links that lead out of the backup, which are not made; the first 100
}

// Get restores a backup into the folder destination, which is made if it is missing,
// under the name that the backup has. Every byte is verified against the ID before it
// is used; when a holder fails another goes on at the same place. What it makes
// appears under its name when it is whole; ErrExists if something has that name.
func (s *Service) Get(ctx context.Context, id BlobID, destination string, opts GetOptions) (Restored, error) {
	ctx, end, err := s.begin(ctx)
	if err != nil {
		return Restored{}, err
	}
	defer end()
	r, err := s.get(ctx, id, destination, opts)
	if err != nil {
		return Restored{}, fmt.Errorf("restore blob %s: %w", id.Short(), err)
	}
	return r, nil
}

func (s *Service) get(ctx context.Context, id BlobID, destination string, opts GetOptions) (Restored, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f := &fetching{
		s: s, id: id, tell: opts.Progress, ordered: make(chan struct{}), faults: make(map[peer.ID]int),
	}
	f.tell.tell(Progress{Stage: StageFind})
	r, w := io.Pipe()
	fetched := make(chan error, 1)
	go func() { // waited for below
		err := f.run(ctx, w)
		_ = w.CloseWithError(err) // nil is io.EOF
		fetched <- err
	}()
	select {
	case err := <-fetched:
		if err != nil {
			return Restored{}, err
		}
		fetched <- nil
	case <-f.ordered:
	}
	source := &source{Reader: r}
	out, err := restore(ctx, source, s.key, f.contents, destination, opts.Overwrite)
	_ = r.CloseWithError(errStopped)
	if err != nil {
		cancel() // the fetch may be waiting for a holder, or looking for one
	}
	fetchErr := <-fetched
	if (err == nil || source.failed) && !errors.Is(fetchErr, errStopped) {
		err = fetchErr // the cause of the other
	}
	if err != nil {
		return Restored{}, err
	}
	return Restored{
		Path: filepath.Join(destination, f.contents.Name), Contents: f.contents, Sealed: f.at,
		Holders: f.from, Skipped: out.skipped,
	}, nil
}

// source is what a restore reads, by one goroutine.
type source struct {
	io.Reader
	failed bool // reading did: the restore's error comes of that
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.failed = s.failed || err != nil && err != io.EOF
	return n, err
}

// restore unpacks into a temporary folder in destination and moves the whole to its
// name.
func restore(ctx context.Context, r io.Reader, k Key, c Contents, destination string, overwrite bool) (out unpacked, err error) {
	if err := os.MkdirAll(destination, 0o777); err != nil {
		return out, err
	}
	root, err := os.OpenRoot(destination)
	if err != nil {
		return out, err
	}
	defer root.Close()
	if name, err := archiveName(c.Name); err != nil || filepath.Base(name) != name {
		return out, fmt.Errorf("%w: name %q", ErrBadArchive, c.Name)
	}
	if _, err := root.Lstat(c.Name); err == nil && !overwrite {
		return out, fmt.Errorf("%q: %w", filepath.Join(destination, c.Name), ErrExists)
	}
	var random [8]byte
	rand.Read(random[:]) // never fails
	temp := ".grapevine-restore-" + hex.EncodeToString(random[:])
	fresh := filepath.Join(temp, "new")
	if err := root.MkdirAll(fresh, durable.PrivateDirPerm); err != nil {
		return out, err
	}
	defer func() {
		if e := root.RemoveAll(temp); e != nil {
			err = errors.Join(err, fmt.Errorf("remove what is left of the restore: %w", e))
		}
	}()
	within, err := root.OpenRoot(fresh)
	if err != nil {
		return out, err
	}
	out, err = unpack(ctx, r, k, c, within)
	if err := errors.Join(err, within.Close()); err != nil {
		return out, err
	}
	switch _, err := root.Lstat(c.Name); {
	case err == nil && !overwrite: // made meanwhile
		return out, fmt.Errorf("%q: %w", filepath.Join(destination, c.Name), ErrExists)
	case err == nil:
		if err := root.Rename(c.Name, filepath.Join(temp, "old")); err != nil {
			return out, err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return out, err
	}
	if err := root.Rename(filepath.Join(fresh, c.Name), c.Name); err != nil {
		return out, err
	}
	if out.last != nil {
		err = errors.Join(root.Chtimes(c.Name, out.last.time, out.last.time), root.Chmod(c.Name, out.last.mode))
	}
	return out, err
}
