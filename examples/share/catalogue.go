package main

import (
	"iter"
	"slices"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// shared is a file that can be found and read. It does not change.
type shared struct {
	file  found
	id    contentID
	item  p2p.Item
	words []string // what it is found by, hidden in a group
}

// catalogue is the index of all files at one moment. It does not change, so it is read
// without a lock.
type catalogue struct {
	files  []*shared
	byKey  map[p2p.Key][]int32
	byWord map[string][]int32
}

var _ p2p.Index = (*catalogue)(nil)

func newCatalogue(files []*shared) *catalogue {
	c := &catalogue{files: files, byKey: make(map[p2p.Key][]int32, len(files)), byWord: make(map[string][]int32)}
	for i, f := range files {
		c.byKey[f.item.Key] = append(c.byKey[f.item.Key], int32(i))
		for _, w := range f.words {
			c.byWord[w] = append(c.byWord[w], int32(i))
		}
	}
	return c
}

// Match implements [p2p.Index]: the files with the key and all of the words.
func (c *catalogue) Match(q p2p.Query) (items []p2p.Item) {
	for _, i := range c.candidates(q) {
		f := c.files[i]
		if slices.ContainsFunc(q.Words, func(w string) bool { return !slices.Contains(f.words, w) }) {
			continue
		}
		if items = append(items, f.item); len(items) == maxAnswers {
			break
		}
	}
	return items
}

// candidates is the shortest list of files that has all that match.
func (c *catalogue) candidates(q p2p.Query) (shortest []int32) {
	if q.Key != "" {
		return c.byKey[q.Key]
	}
	for i, w := range q.Words {
		if files := c.byWord[w]; i == 0 || len(files) < len(shortest) {
			shortest = files
		}
	}
	return shortest
}

// Entries implements [p2p.Index]: what each file is found by.
func (c *catalogue) Entries() iter.Seq[p2p.Entry] {
	return func(yield func(p2p.Entry) bool) {
		for _, f := range c.files {
			if !yield(p2p.Entry{Key: f.item.Key, Words: f.words}) {
				return
			}
		}
	}
}

// find returns a file of a handle.
func (c *catalogue) find(h handle) *shared {
	if at := c.byKey[h.key()]; len(at) > 0 {
		return c.files[at[0]]
	}
	return nil
}

func (c *catalogue) size() (bytes int64) {
	for _, f := range c.files {
		bytes += f.file.size
	}
	return bytes
}
