package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"github.com/grapevine-p2p/grapevine/internal/durable"
)

// trees keeps the outboard trees of shared files by their IDs. They are a cache: one
// that is lost or damaged is built again, and what is made of it is verified before it
// is sent, so they need not be durable.
type trees struct {
	folder *os.Root

	mu    sync.Mutex
	sizes map[contentID]int64
	total int64
}

// building is the name of a tree whose ID is not known yet; one is built at a time.
const building = "building"

var errTreesFull = errors.New("no more room for trees in the data folder")

func openTrees(folder string) (*trees, error) {
	if err := durable.MkdirAll(durable.OS{}, folder, durable.PrivateDirPerm); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	t := &trees{folder: root, sizes: map[contentID]int64{}}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	for _, e := range entries {
		id, ok := parseHex(e.Name())
		info, err := e.Info()
		if !ok || err != nil {
			_ = os.Remove(filepath.Join(folder, e.Name()))
			continue
		}
		t.sizes[id] = info.Size()
		t.total += info.Size()
	}
	return t, nil
}

func (t *trees) Close() error { return t.folder.Close() }

// has tells whether there is the tree of a file; one of a single group needs none.
func (t *trees) has(id contentID, size int64) bool {
	if size <= groupSize {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.sizes[id] == treeSize(size)
}

// build reads a file, keeps its tree and returns its ID.
func (t *trees) build(ctx context.Context, file io.Reader, size int64) (contentID, error) {
	t.mu.Lock()
	full := t.total+treeSize(size) > maxTrees
	t.mu.Unlock()
	if full {
		return contentID{}, errTreesFull
	}
	tree, err := t.folder.OpenFile(building, os.O_RDWR|os.O_CREATE|os.O_TRUNC, durable.PrivatePerm)
	if err != nil {
		return contentID{}, fmt.Errorf("build a tree: %w", err)
	}
	id, err := buildTree(tree, bufio.NewReaderSize(untilDone{ctx, file}, maxRange), size)
	if err := errors.Join(err, tree.Close()); err != nil {
		return contentID{}, errors.Join(err, t.folder.Remove(building))
	}
	if size <= groupSize {
		return id, t.folder.Remove(building)
	}
	if err := t.folder.Rename(building, id.String()); err != nil {
		return contentID{}, fmt.Errorf("keep a tree: %w", err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total += treeSize(size) - t.sizes[id]
	t.sizes[id] = treeSize(size)
	return id, nil
}

// open returns the tree of a file; nil for one of a single group.
func (t *trees) open(id contentID, size int64) (*os.File, error) {
	if size <= groupSize {
		return nil, nil
	}
	return t.folder.Open(id.String())
}

// forget removes a tree.
func (t *trees) forget(id contentID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.folder.Remove(id.String()); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.total -= t.sizes[id]
		delete(t.sizes, id)
	}
}

// keep removes the trees of all other files.
func (t *trees) keep(ids map[contentID]bool) {
	t.mu.Lock()
	var others []contentID
	for id := range t.sizes {
		if !ids[id] {
			others = append(others, id)
		}
	}
	t.mu.Unlock()
	for _, id := range others {
		t.forget(id)
	}
}

// untilDone reads until a context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}
