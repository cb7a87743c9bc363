package main

import (
	"bytes"
	"testing"

	"lukechampine.com/blake3"
	"pgregory.net/rapid"
)

// memory is a file in memory.
type memory struct{ data []byte }

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if need := at + int64(len(p)); need > int64(len(m.data)) {
		m.data = append(m.data, make([]byte, need-int64(len(m.data)))...)
	}
	return copy(m.data[at:], p), nil
}

// Any slice verifies and gives the bytes; with any bit changed, or as one of another
// place or size, it does not.
func TestSlices(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(1, 5*groupSize), rapid.SampledFrom([]int{groupSize, 2 * groupSize, 4 * groupSize, 4*groupSize + 1})).Draw(t, "size")
		data := noise(size, "data")
		var tree memory
		id, err := buildTree(&tree, bytes.NewReader(data), int64(size))
		if err != nil || id != blake3.Sum256(data) || int64(len(tree.data)) != treeSize(int64(size)) {
			t.Fatalf("%s, %v, tree of %d bytes", id, err, len(tree.data))
		}
		offset := rapid.IntRange(0, size-1).Draw(t, "offset")
		length := rapid.IntRange(1, size-offset).Draw(t, "length")
		slice, err := extractSlice(bytes.NewReader(data), bytes.NewReader(tree.data), int64(size), int64(offset), int64(length))
		if err != nil || len(slice) > maxSlice {
			t.Fatal(len(slice), err)
		}
		got, err := checkSlice(id, int64(size), slice, int64(offset), int64(length))
		if err != nil || !bytes.Equal(got, data[offset:offset+length]) {
			t.Fatal(err)
		}
		broken := bytes.Clone(slice)
		broken[rapid.IntRange(0, len(slice)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		for what, try := range map[string]func() ([]byte, error){
			"a bit": func() ([]byte, error) { return checkSlice(id, int64(size), broken, int64(offset), int64(length)) },
			"a byte more": func() ([]byte, error) {
				return checkSlice(id, int64(size), append(slice, 0), int64(offset), int64(length))
			},
			"cut short": func() ([]byte, error) {
				return checkSlice(id, int64(size), slice[:len(slice)-1], int64(offset), int64(length))
			},
			"another ID": func() ([]byte, error) { return checkSlice(emptyID(), int64(size), slice, int64(offset), int64(length)) },
			"beyond":     func() ([]byte, error) { return checkSlice(id, int64(size), slice, int64(offset), int64(size-offset+1)) },
		} {
			if _, err := try(); err == nil {
				t.Errorf("%s went unseen", what)
			}
		}
	})
}

// The last group proves the size: no other size passes, whatever is sent.
func TestSizeIsProved(t *testing.T) {
	for _, size := range []int64{1, 1024, groupSize, groupSize + 1, 5*groupSize - 7, 64 * groupSize} {
		data := noise(int(size), "data")
		var tree memory
		id, err := buildTree(&tree, bytes.NewReader(data), size)
		if err != nil {
			t.Fatal(err)
		}
		for _, claimed := range []int64{size, size - 1, size + 1, size - 1024, size + 1024, size - groupSize, size + groupSize, 2 * size, size / 2} {
			if claimed < 1 {
				continue
			}
			padded := append(bytes.Clone(data), make([]byte, max(claimed-size, 0))...)[:claimed]
			offset, length := lastGroup(claimed)
			slice, err := extractSlice(bytes.NewReader(padded), bytes.NewReader(append(bytes.Clone(tree.data), make([]byte, treeSize(claimed))...)), claimed, offset, length)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := checkSlice(id, claimed, slice, offset, length); (err == nil) != (claimed == size) {
				t.Errorf("%d bytes pass for %d: %v", size, claimed, err)
			}
		}
	}
}
