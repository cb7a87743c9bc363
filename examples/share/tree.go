package main

import (
	"errors"
	"io"

	"lukechampine.com/blake3"

	"github.com/grapevine-p2p/grapevine/internal/baotree"
)

const groupSize = baotree.GroupSize

var errDamaged = errors.New("bytes that are not those of the file")

// treeSize is the size of the outboard of a file: all nodes of its Bao tree.
func treeSize(size int64) int64 { return baotree.Size(size) }

// buildTree reads a file of a known size, writes its outboard and returns its ID.
func buildTree(tree io.WriterAt, file io.Reader, size int64) (contentID, error) {
	return baotree.Build(tree, file, size)
}

// extractSlice returns the Bao slice of length bytes at offset.
func extractSlice(file, tree io.ReaderAt, size, offset, length int64) ([]byte, error) {
	return baotree.Extract(file, tree, size, offset, length)
}

// checkSlice returns the bytes of a slice after verifying them against the ID. The size
// is proved only by a slice that reaches the end: see [lastGroup].
func checkSlice(id contentID, size int64, slice []byte, offset, length int64) ([]byte, error) {
	data, ok := baotree.Check(id, size, slice, offset, length)
	if !ok {
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
