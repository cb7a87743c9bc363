// Package baotree reads and checks Bao slices: parts of something named by its BLAKE3
// hash, with the nodes of its hash tree that prove them. It is pure: what is read comes
// from its arguments.
package baotree

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/bits"

	"lukechampine.com/blake3/bao"
	"lukechampine.com/blake3/guts"
)

const (
	// groupLog is the power of two of 1 KiB chunks that are hashed as one group.
	groupLog = 4
	// GroupSize is the length of a group: ranges are best multiples of it.
	GroupSize = guts.ChunkSize << groupLog
	// Head is the length of the size that an outboard begins with.
	Head     = 8
	nodeSize = 64 // the chaining values of a node's two children
)

// Size is the size of the outboard of so many bytes: all nodes of their tree.
func Size(size int64) int64 { return Head + nodeSize*nodesWithin(size) }

func nodesWithin(size int64) int64 { return max((size+GroupSize-1)/GroupSize-1, 0) }

// Build reads content of a known size, writes its outboard and returns its hash.
func Build(tree io.WriterAt, content io.Reader, size int64) ([32]byte, error) {
	return bao.Encode(tree, content, size, groupLog, true)
}

// Extract returns the Bao slice of length bytes at offset, reading only the nodes on
// its path. (bao.ExtractSlice reads the whole outboard each time.)
func Extract(content, tree io.ReaderAt, size, offset, length int64) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(int(length) + 2*GroupSize)
	out.Write(binary.LittleEndian.AppendUint64(nil, uint64(size)))
	buf := make([]byte, GroupSize)
	var walk func(pos, span, node int64) error
	walk = func(pos, span, node int64) error {
		if pos >= offset+length || pos+span <= offset {
			return nil
		}
		from, at, n := content, pos, span
		if span > GroupSize {
			from, at, n = tree, node, nodeSize
		}
		if got, err := from.ReadAt(buf[:n], at); int64(got) < n {
			return err
		}
		out.Write(buf[:n])
		if span <= GroupSize {
			return nil
		}
		left := int64(1) << (bits.Len64(uint64(span-1)) - 1)
		node += nodeSize
		if err := walk(pos, left, node); err != nil {
			return err
		}
		return walk(pos+left, span-left, node+nodeSize*nodesWithin(left))
	}
	if err := walk(0, size, Head); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// Check returns the bytes of a slice, and whether they are those that the hash names.
// The size is proved only by a slice that reaches the end.
func Check(hash [32]byte, size int64, slice []byte, offset, length int64) ([]byte, bool) {
	if offset < 0 || length <= 0 || length > size-offset || len(slice) < Head ||
		binary.LittleEndian.Uint64(slice) != uint64(size) {
		return nil, false
	}
	data, ok := bao.VerifySlice(slice, groupLog, uint64(offset), uint64(length), hash)
	return data, ok && int64(len(data)) == length
}
