package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/words"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// hashed is a file and the ID of its bytes.
type hashed struct {
	found
	id contentID
}

// library is the folder that is shared. One goroutine at a time calls refresh; all
// else may be called concurrently.
type library struct {
	folder string
	data   string
	root   *os.Root
	trees  *trees
	group  *group
	self   peer.ID
	log    *slog.Logger

	known   map[string]hashed  // the cache that was read; used by refresh
	files   map[string]*shared // by path; used by refresh
	skipped int                // the same
	current atomic.Pointer[catalogue]

	mu      sync.Mutex
	doubted map[string]bool // paths whose bytes were not those of their ID
}

var _ p2p.Index = (*library)(nil)

// openLibrary opens a folder to share. Nothing of it is known until refresh.
func openLibrary(folder, data string, g *group, self peer.ID, log *slog.Logger) (*library, error) {
	if err := durable.MkdirAll(durable.OS{}, data, durable.PrivateDirPerm); err != nil {
		return nil, err
	}
	l := &library{
		folder: folder, data: data, group: g, self: self, log: log,
		files: map[string]*shared{}, doubted: map[string]bool{},
	}
	var err error
	if l.known, err = loadCache(data, folder); err != nil {
		log.Warn("all files are hashed again", "error", err)
	}
	if l.root, err = os.OpenRoot(folder); err != nil {
		return nil, fmt.Errorf("share a folder: %w", err)
	}
	if l.trees, err = openTrees(filepath.Join(data, "trees")); err != nil {
		return nil, errors.Join(err, l.root.Close())
	}
	l.current.Store(newCatalogue(nil))
	return l, nil
}

func (l *library) Close() error { return errors.Join(l.root.Close(), l.trees.Close()) }

// Match implements [p2p.Index].
func (l *library) Match(q p2p.Query) []p2p.Item { return l.current.Load().Match(q) }

// Entries implements [p2p.Index].
func (l *library) Entries() iter.Seq[p2p.Entry] { return l.current.Load().Entries() }

// hashing shows how far the hashing of so many bytes is.
type hashing func(total int64) (read io.Writer, done func())

// refresh looks at the folder and hashes what changed; published is called each time
// that the catalogue did. It tells whether anything changed.
func (l *library) refresh(ctx context.Context, show hashing, published func()) (changed bool, err error) {
	files, skipped, err := scan(ctx, l.root)
	if err != nil {
		return false, err
	}
	l.skipped = skipped
	l.forgetDoubted()
	next := make(map[string]*shared, len(files))
	changed = l.known != nil // at the first look
	var fresh []found
	var bytes int64
	for _, f := range files {
		old, there := l.files[f.path]
		switch known, cached := l.known[f.path]; {
		case there && old.file.same(f):
			next[f.path] = old
			continue
		case cached && known.same(f) && l.trees.has(known.id, f.size):
			next[f.path] = l.list(known)
		case f.settled(time.Now()):
			fresh = append(fresh, f)
			bytes += f.size
			continue
		default:
			continue // next time
		}
		changed = true
	}
	for p := range l.files {
		changed = changed || next[p] == nil
	}
	l.known = nil // it is in files now, or stale
	l.files = next
	if changed {
		l.publish(published)
	}
	if len(fresh) == 0 {
		return changed, l.tidy(changed)
	}
	read, done := show(bytes)
	defer done()
	last := time.Now()
	for _, f := range fresh {
		id, err := l.hash(ctx, f, read)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			l.log.Warn("a file is not shared", "path", f.path, "error", err)
			continue
		}
		next[f.path] = l.list(hashed{f, id})
		changed = true
		if time.Since(last) >= publishTime {
			l.publish(published)
			last = time.Now()
		}
	}
	if changed {
		l.publish(published)
	}
	return changed, errors.Join(ctx.Err(), l.tidy(changed))
}

// list makes a file known.
func (l *library) list(h hashed) *shared {
	name := strings.ToValidUTF8(h.path, "\uFFFD")
	told := listing{ID: h.id, Name: shownName(name), Size: h.size}
	return &shared{file: h.found, id: h.id, item: l.group.item(told, l.self), words: l.group.hide(words.Findable(name))}
}

// shownName is the name that a path is listed by: all of it if it fits, else what fits
// of the file's own.
func shownName(slashed string) string {
	if len(slashed) <= maxName {
		return slashed
	}
	name := path.Base(slashed)
	if len(name) <= maxName {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 16 {
		ext = ""
	}
	return cutTo(name, maxName-len(ext)) + ext
}

// cutTo shortens s to at most n bytes, at the end of a character.
func cutTo(s string, n int) string {
	for n = min(n, len(s)); n > 0 && n < len(s) && !utf8.RuneStart(s[n]); {
		n--
	}
	return s[:n]
}

// hash reads a file; one that changes meanwhile is refused.
func (l *library) hash(ctx context.Context, f found, read io.Writer) (contentID, error) {
	file, err := l.openFile(f)
	if err != nil {
		return contentID{}, err
	}
	defer file.Close()
	id, err := l.trees.build(ctx, io.TeeReader(io.LimitReader(file, f.size), read), f.size)
	if err != nil {
		return contentID{}, err
	}
	return id, unchanged(file, f)
}

var errChanged = errors.New("the file changed")

// openFile opens a file of the folder if it is what was found.
func (l *library) openFile(f found) (*os.File, error) {
	info, err := l.root.Lstat(filepath.FromSlash(f.path))
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errChanged // a link, a pipe: not even opened
	}
	file, err := l.root.Open(filepath.FromSlash(f.path))
	if err != nil {
		return nil, err
	}
	opened, err := file.Stat()
	if err == nil && !os.SameFile(info, opened) {
		err = errChanged
	}
	if err == nil {
		err = unchanged(file, f)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

func unchanged(file *os.File, f found) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if !f.same(found{f.path, info.Size(), info.ModTime()}) {
		return errChanged
	}
	return nil
}

func (l *library) publish(published func()) {
	files := make([]*shared, 0, len(l.files))
	for _, f := range l.files {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b *shared) int { return strings.Compare(a.file.path, b.file.path) })
	l.current.Store(newCatalogue(files))
	published()
}

// tidy keeps the hashes and drops the trees that nothing needs any more.
func (l *library) tidy(changed bool) error {
	if !changed {
		return nil
	}
	ids := make(map[contentID]bool, len(l.files))
	for _, f := range l.files {
		ids[f.id] = true
	}
	l.trees.keep(ids)
	return saveCache(l.data, l.folder, l.current.Load().files)
}

// slice returns the Bao slice of a part of a file, verified: a file that changed
// unseen is never sent under an ID that is not its own.
func (l *library) slice(f *shared, offset, length int64) (_ []byte, err error) {
	file, err := l.openFile(f.file)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	tree, err := l.trees.open(f.id, f.file.size)
	if err != nil {
		l.doubt(f)
		return nil, err
	}
	var nodes io.ReaderAt
	if tree != nil {
		defer tree.Close()
		nodes = tree
	}
	slice, err := extractSlice(file, nodes, f.file.size, offset, length)
	if err == nil {
		_, err = checkSlice(f.id, f.file.size, slice, offset, length)
	}
	if err != nil {
		l.doubt(f)
		return nil, err
	}
	return slice, nil
}

// doubt has a file hashed again at the next look.
func (l *library) doubt(f *shared) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.doubted[f.file.path] = true
}

func (l *library) forgetDoubted() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.doubted {
		if f := l.files[p]; f != nil {
			l.trees.forget(f.id)
			delete(l.files, p)
		}
	}
	clear(l.doubted)
}
