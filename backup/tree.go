package backup

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"lukechampine.com/blake3/bao"
	"lukechampine.com/blake3/guts"
)

const (
	// baoGroup is the power of two of 1 KiB chunks that are hashed as one group.
	baoGroup  = 4
	groupSize = guts.ChunkSize << baoGroup
	nodeSize  = 64 // the chaining values of a node's two children
	treeHead  = 8  // the blob's size
)

// treeSize is the size of the outboard of a blob: all nodes of its Bao tree.
func treeSize(size int64) int64 { return treeHead + nodeSize*nodesWithin(size) }

func nodesWithin(size int64) int64 { return (size+groupSize-1)/groupSize - 1 }

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
	root, err := bao.Encode(&o, blob, size, baoGroup, true)
	return root, o.data, err
}

// extractSlice returns the Bao slice of length bytes at offset, reading only the nodes
// on its path. (bao.ExtractSlice reads the whole outboard each time.)
func extractSlice(blob, tree io.ReaderAt, size, offset, length int64) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(int(length) + 2*groupSize)
	out.Write(binary.LittleEndian.AppendUint64(nil, uint64(size)))
	buf := make([]byte, groupSize)
	var walk func(pos, span, node int64) error
	walk = func(pos, span, node int64) error {
		if pos >= offset+length || pos+span <= offset {
			return nil
		}
		from, at, n := blob, pos, span
		if span > groupSize {
			from, at, n = tree, node, nodeSize
		}
		if got, err := from.ReadAt(buf[:n], at); int64(got) < n {
			return err
		}
		out.Write(buf[:n])
		if span <= groupSize {
			return nil
		}
		left := int64(1) << (bits.Len64(uint64(span-1)) - 1)
		node += nodeSize
		if err := walk(pos, left, node); err != nil {
			return err
		}
		return walk(pos+left, span-left, node+nodeSize*nodesWithin(left))
	}
	if err := walk(0, size, treeHead); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// checkSlice returns the bytes of a slice after verifying them against the ID.
func checkSlice(id BlobID, size int64, slice []byte, offset, length int64) ([]byte, error) {
	if offset < 0 || length <= 0 || length > size-offset || len(slice) < treeHead ||
		binary.LittleEndian.Uint64(slice) != uint64(size) {
		return nil, fmt.Errorf("bytes %d to %d of blob %s: %w", offset, offset+length, id.Short(), ErrDamaged)
	}
	data, ok := bao.VerifySlice(slice, baoGroup, uint64(offset), uint64(length), id)
	if !ok || int64(len(data)) != length {
		return nil, fmt.Errorf("bytes %d to %d of blob %s: %w", offset, offset+length, id.Short(), ErrDamaged)
	}
	return data, nil
}
