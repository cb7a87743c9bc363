package backup

import (
	"archive/tar"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// unpacked is what an archive held.
type unpacked struct {
	size                  int64
	files, folders, links int64
	skipped               []string // links that lead out, at most maxNotes of them
	last                  *entry   // the outermost folder, if it is one
}

// unpack makes an archive's files in root, an empty folder. It makes nothing outside
// of it, no special file, no set-user bit and no link that leads out of what was
// backed up; it refuses more than the label c announced. Everything is below c.Name,
// which, if it is a folder, is left writable: [unpacked.last] has its mode.
func unpack(ctx context.Context, r io.Reader, k Key, c Contents, root *os.Root) (unpacked, error) {
	plain, err := unseal(r, k)
	if err != nil {
		return unpacked{}, err
	}
	expanded, err := zstd.NewReader(plain, zstd.WithDecoderMaxWindow(maxUnpackMemory), zstd.WithDecoderConcurrency(1))
	if err != nil {
		return unpacked{}, fmt.Errorf("decompress: %w", err)
	}
	defer expanded.Close()
	u := &unpacker{ctx: ctx, root: root, announced: c, archive: tar.NewReader(bufio.NewReader(expanded)), real: make(map[string]bool)}
	for {
		h, err := u.archive.Next()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = errors.Join(ctx.Err(), u.entry(h))
		}
		if err != nil {
			return u.out, err
		}
	}
	// Read on to the end, so that the seal of the last piece is checked.
	if n, err := io.Copy(io.Discard, io.LimitReader(expanded, maxTrailer+1)); err != nil || n > maxTrailer {
		return u.out, errors.Join(ErrDamaged, err)
	}
	if n, err := io.Copy(io.Discard, io.LimitReader(plain, 1)); err != nil || n > 0 {
		return u.out, errors.Join(ErrDamaged, err)
	}
	return u.out, u.finish()
}

// maxTrailer bounds what follows an archive's last entry: tar's padding.
const maxTrailer = 64 << 10

// unpacker makes the entries of one archive.
type unpacker struct {
	ctx       context.Context
	root      *os.Root
	archive   *tar.Reader
	announced Contents
	out       unpacked

	folders []entry         // to get their modes and times when they are full
	real    map[string]bool // the folders' names, with slashes
	links   []entry         // made last, so that nothing is written through one
}

type entry struct {
	name   string
	mode   fs.FileMode
	time   time.Time
	target string
}

func (u *unpacker) entry(h *tar.Header) error {
	name, err := archiveName(h.Name)
	if err != nil {
		return err
	}
	if base, _, _ := strings.Cut(name, "/"); base != u.announced.Name {
		return fmt.Errorf("%w: %q is not in %q", ErrBadArchive, name, u.announced.Name)
	}
	e := entry{name: filepath.FromSlash(name), mode: fs.FileMode(h.Mode) & fs.ModePerm, time: restoredTime(h.ModTime)}
	switch h.Typeflag {
	case tar.TypeDir:
		u.out.folders++
		err = u.root.Mkdir(e.name, durable.PrivateDirPerm)
		u.folders = append(u.folders, e)
		u.real[name] = true
	case tar.TypeReg:
		u.out.files++
		err = u.file(e, h.Size)
	case tar.TypeSymlink:
		u.out.links++
		e.target = h.Linkname
		u.links = append(u.links, e)
	default:
		return fmt.Errorf("%w: %q is a special file (type %q)", ErrBadArchive, name, h.Typeflag)
	}
	if err != nil {
		return fmt.Errorf("restore %q: %w", name, err)
	}
	if u.out.files+u.out.folders+u.out.links > u.announced.entries() {
		return fmt.Errorf("%w: more entries than the label announced", ErrBadArchive)
	}
	return nil
}

func (u *unpacker) file(e entry, size int64) (err error) {
	if size < 0 || size > u.announced.Size-u.out.size {
		return fmt.Errorf("%w: more bytes than the label announced", ErrBadArchive)
	}
	u.out.size += size
	f, err := u.root.OpenFile(e.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, durable.PrivatePerm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, &contextReader{u.ctx, u.archive})
	if err == nil {
		err = f.Chmod(e.mode)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return u.root.Chtimes(e.name, e.time, e.time)
}

// finish makes the links, and then gives folders their modes, the innermost first.
func (u *unpacker) finish() error {
	for _, l := range u.links {
		if !u.staysInside(l) {
			if len(u.out.skipped) < maxNotes {
				u.out.skipped = append(u.out.skipped, filepath.ToSlash(l.name))
			}
			continue
		}
		if err := u.root.Symlink(filepath.FromSlash(l.target), l.name); err != nil {
			return fmt.Errorf("restore link %q: %w", l.name, err)
		}
	}
	for i := len(u.folders) - 1; i >= 0; i-- {
		f := u.folders[i]
		if err := u.root.Chtimes(f.name, f.time, f.time); err != nil {
			return fmt.Errorf("restore folder %q: %w", f.name, err)
		}
		if f.name == u.announced.Name { // to be moved, for which it must be writable
			u.out.last = &f
			continue
		}
		if err := u.root.Chmod(f.name, f.mode); err != nil {
			return fmt.Errorf("restore folder %q: %w", f.name, err)
		}
	}
	return nil
}

// staysInside tells whether a link leads to something that was backed up with it,
// whatever other links it leads through: it goes up from real folders only.
func (u *unpacker) staysInside(l entry) bool {
	if l.target == "" || path.IsAbs(l.target) || filepath.IsAbs(l.target) || filepath.VolumeName(l.target) != "" {
		return false
	}
	to, down := path.Dir(filepath.ToSlash(l.name)), false
	for part := range strings.SplitSeq(filepath.ToSlash(l.target), "/") {
		switch part {
		case "", ".":
			continue
		case "..":
			if down && !u.real[to] {
				return false
			}
		default:
			down = true
		}
		to = path.Join(to, part)
	}
	return to == u.announced.Name || strings.HasPrefix(to, u.announced.Name+"/")
}

// contextReader ends with the context.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (r *contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
