package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/bits"

	"lukechampine.com/blake3"
	"lukechampine.com/blake3/bao"
	"lukechampine.com/blake3/guts"
)

const (
	// baoGroup is the power of two of 1 KiB chunks that are hashed as one group.
	baoGroup  = 4
	groupSize = guts.ChunkSize << baoGroup
	nodeSize  = 64 // the chaining values of a node's two children
	treeHead  = 8  // the file's size
)

var errDamaged = errors.New("bytes that are not those of the file")

// treeSize is the size of the outboard of a file: all nodes of its Bao tree.
func treeSize(size int64) int64 { return treeHead + nodeSize*nodesWithin(size) }

func nodesWithin(size int64) int64 { return max((size+groupSize-1)/groupSize-1, 0) }

// buildTree reads a file of a known size, writes its outboard and returns its ID.
func buildTree(tree io.WriterAt, file io.Reader, size int64) (contentID, error) {
	return bao.Encode(tree, file, size, baoGroup, true)
}

// extractSlice returns the Bao slice of length bytes at offset, reading only the nodes
// on its path.
func extractSlice(file, tree io.ReaderAt, size, offset, length int64) ([]byte, error) {
	var out bytes.Buffer
	out.Grow(int(length) + 2*groupSize)
	out.Write(binary.LittleEndian.AppendUint64(nil, uint64(size)))
	buf := make([]byte, groupSize)
	var walk func(pos, span, node int64) error
	walk = func(pos, span, node int64) error {
		if pos >= offset+length || pos+span <= offset {
			return nil
		}
		from, at, n := file, pos, span
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

// checkSlice returns the bytes of a slice after verifying them against the ID. The size
// is proved only by a slice that reaches the end: see [lastGroup].
func checkSlice(id contentID, size int64, slice []byte, offset, length int64) ([]byte, error) {
	if offset < 0 || length <= 0 || length > size-offset || len(slice) < treeHead ||
		binary.LittleEndian.Uint64(slice) != uint64(size) {
		return nil, errDamaged
	}
	data, ok := bao.VerifySlice(slice, baoGroup, uint64(offset), uint64(length), id)
	if !ok || int64(len(data)) != length {
		return nil, errDamaged
	}
	return data, nil
}

// lastGroup is the range that proves a size: each chunk is hashed with its place and
// its length, so the last one of the ID's tree ends at the true size alone.
func lastGroup(size int64) (offset, length int64) {
	offset = (size - 1) / groupSize * groupSize
	return offset, size - offset
}

// emptyID is the ID of no bytes at all.
func emptyID() contentID { return blake3.Sum256(nil) }
