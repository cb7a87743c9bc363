package backup

import (
	"archive/tar"
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
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"
)

// packed is what pack found.
type packed struct {
	Contents
	skipped []string // special files, at most maxNotes of them by name
}

// pack writes the file or folder at name to w: a tar archive, compressed and sealed.
// Entries stand in lexical order below the name as ("" for the base name), with modes
// and times, without owners. Sockets, devices and pipes are skipped.
func pack(ctx context.Context, w io.Writer, k Key, name, as string, tell report) (packed, error) {
	name, err := filepath.Abs(name)
	if err == nil {
		name, err = filepath.EvalSymlinks(name)
	}
	if err != nil {
		return packed{}, err
	}
	parent, base := filepath.Dir(name), filepath.Base(name)
	if parent == name {
		return packed{}, fmt.Errorf("%q: a whole file system has no name: choose the folders in it", name)
	}
	root, err := os.OpenRoot(parent)
	if err != nil {
		return packed{}, err
	}
	defer root.Close()
	if as == "" {
		as = base
	}
	if clean, err := archiveName(as); err != nil || clean != as || strings.Contains(as, "/") || len(as) > MaxName || !utf8.ValidString(as) {
		return packed{}, fmt.Errorf("name %q: want a file name of at most %d bytes of UTF-8", as, MaxName)
	}
	p := &packer{ctx: ctx, root: root, files: root.FS(), base: filepath.ToSlash(base), as: as, tell: tell}
	if err := p.measure(); err != nil {
		return packed{}, err
	}
	sealed, err := seal(w, k)
	if err != nil {
		return packed{}, fmt.Errorf("seal: %w", err)
	}
	squeezed, err := zstd.NewWriter(sealed, zstd.WithZeroFrames(true))
	if err != nil {
		return packed{}, fmt.Errorf("compress: %w", err)
	}
	p.archive = tar.NewWriter(squeezed)
	err = fs.WalkDir(p.files, p.base, p.entry)
	if err == nil {
		err = p.archive.Close()
	}
	// The encoder is closed in any case: it has goroutines.
	if closeErr := squeezed.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = sealed.Close()
	}
	p.out.Name = as
	return p.out, err
}

// packer writes one archive.
type packer struct {
	ctx     context.Context
	root    *os.Root
	files   fs.FS
	base    string // what is packed, in files
	as      string // what it is called in the archive
	archive *tar.Writer
	tell    report
	total   int64
	out     packed
}

// measure adds up the files' sizes, so that progress has a total.
func (p *packer) measure() error {
	return fs.WalkDir(p.files, p.base, func(name string, d fs.DirEntry, err error) error {
		if err := errors.Join(err, p.ctx.Err()); err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			p.total += info.Size()
		}
		return nil
	})
}

// entry adds one file, folder or link.
func (p *packer) entry(name string, d fs.DirEntry, err error) error {
	if err := errors.Join(err, p.ctx.Err()); err != nil {
		return err
	}
	info, err := d.Info()
	if errors.Is(err, fs.ErrNotExist) {
		return nil // removed since its folder was listed
	}
	if err != nil {
		return err
	}
	h := &tar.Header{
		Name: p.as + strings.TrimPrefix(name, p.base), Mode: int64(info.Mode().Perm()), ModTime: info.ModTime().Round(0).UTC(),
		Format: tar.FormatPAX,
	}
	switch mode := info.Mode(); {
	case mode.IsDir():
		h.Typeflag = tar.TypeDir
		h.Name += "/"
		p.out.Folders++
		return p.archive.WriteHeader(h)
	case mode&fs.ModeSymlink != 0:
		h.Typeflag = tar.TypeSymlink
		if h.Linkname, err = p.root.Readlink(filepath.FromSlash(name)); err != nil {
			return err
		}
		h.Linkname = filepath.ToSlash(h.Linkname)
		p.out.Links++
		return p.archive.WriteHeader(h)
	case mode.IsRegular():
		return p.file(name, h)
	}
	if len(p.out.skipped) < maxNotes {
		p.out.skipped = append(p.out.skipped, name)
	}
	return nil
}

func (p *packer) file(name string, h *tar.Header) error {
	f, err := p.root.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat() // of what was opened
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%q changed into something else while it was read", name)
	}
	h.Typeflag, h.Size = tar.TypeReg, info.Size()
	if err := p.archive.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.Copy(p.archive, &progressReader{p: p, r: io.LimitReader(f, h.Size)})
	if err != nil {
		return fmt.Errorf("pack %q: %w", name, err)
	}
	if n < h.Size {
		return fmt.Errorf("%q became shorter while it was read: try again when nothing writes to it", name)
	}
	p.out.Files++
	return nil
}

// progressReader counts, and ends with the context.
type progressReader struct {
	p *packer
	r io.Reader
}

func (r *progressReader) Read(b []byte) (int, error) {
	if err := r.p.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := r.r.Read(b)
	r.p.out.Size += int64(n)
	r.p.tell.tell(Progress{Stage: StagePack, Done: r.p.out.Size, Total: max(r.p.total, r.p.out.Size)})
	return n, err
}

// archiveName is an entry's path if it is safe to make below the destination.
func archiveName(name string) (string, error) {
	clean := path.Clean(name)
	if !fs.ValidPath(clean) || clean == "." || !filepath.IsLocal(filepath.FromSlash(clean)) {
		return "", fmt.Errorf("%w: path %q", ErrBadArchive, name)
	}
	return clean, nil
}

// restoredTime bounds times that a file system may not know.
func restoredTime(t time.Time) time.Time {
	if t.Before(time.Unix(0, 0)) {
		return time.Unix(0, 0)
	}
	return t
}
