package backup

import (
	"fmt"
	"io"

	"github.com/grapevine-p2p/grapevine/internal/baotree"
)

const (
	groupSize = baotree.GroupSize
	treeHead  = baotree.Head
)

// treeSize is the size of the outboard of a blob: all nodes of its Bao tree.
func treeSize(size int64) int64 { return baotree.Size(size) }

// outboard grows with what is written to it: a claimed size takes no memory.
type outboard struct{ data []byte }

// WriteAt implements io.WriterAt.
func (o *outboard) WriteAt(p []byte, at int64) (int, error) {
	if need := at + int64(len(p)); need > int64(len(o.data)) {
		o.data = append(o.data, make([]byte, need-int64(len(o.data)))...)
	}
	return copy(o.data[at:], p), nil
}

// buildTree reads a blob of a known size and returns its ID and outboard.
func buildTree(blob io.Reader, size int64) (BlobID, []byte, error) {
	var o outboard
	root, err := baotree.Build(&o, blob, size)
	return root, o.data, err
}

// extractSlice returns the Bao slice of length bytes at offset.
func extractSlice(blob, tree io.ReaderAt, size, offset, length int64) ([]byte, error) {
	return baotree.Extract(blob, tree, size, offset, length)
}

// checkSlice returns the bytes of a slice after verifying them against the ID.
func checkSlice(id BlobID, size int64, slice []byte, offset, length int64) ([]byte, error) {
	data, ok := baotree.Check(id, size, slice, offset, length)
	if !ok {
		return nil, fmt.Errorf("bytes %d to %d of blob %s: %w", offset, offset+length, id.Short(), ErrDamaged)
	}
	return data, nil
}
