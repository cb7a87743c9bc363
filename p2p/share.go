package p2p

import (
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/words"
)

// Key is an item's exact key: at most 64 bytes of any value.
type Key string

// Item is one entry of an index: what a hit tells of it.
type Item struct {
	Key  Key
	Name string // at most 255 bytes of UTF-8; found by its words
	Size int64  // in bytes
	Data []byte // the application's own, at most 1 KiB
}

// Index is what a node answers queries from. Both methods may be called concurrently.
type Index interface {
	// Match is called for each query that reaches the node and for each of the node's
	// own; it should answer from memory.
	Match(Query) []Item
	// Entries yields all that Match finds anything by, so that others know when to
	// ask; see [Node.Reindex].
	Entries() iter.Seq[Entry]
}

// Entry is what one item can be found by: its key, the words of its name, or both.
// Queries are led to a node only by keys and words that it told in entries.
type Entry struct {
	Key   Key
	Words []string // all that one query may ask for together; texts are split
}

// Items is a fixed [Index]. It matches a query's exact key and all of its words
// against the items' names, after folding both by Unicode's rules.
type Items []Item

var _ Index = Items(nil)

// Match implements [Index].
func (items Items) Match(q Query) []Item {
	var out []Item
	for _, it := range items {
		if q.Matches(it) {
			out = append(out, it)
		}
	}
	return out
}

// Entries implements [Index].
func (items Items) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		for _, it := range items {
			if !yield(Entry{Key: it.Key, Words: []string{it.Name}}) {
				return
			}
		}
	}
}

// Matches tells whether an item is what the query asks for.
func (q Query) Matches(it Item) bool {
	switch {
	case q.Key != "" && q.Key != it.Key:
		return false
	case len(q.Words) > 0:
		return words.Match(it.Name, q.Words)
	}
	return q.Key != ""
}

// Share answers queries from an index until stop is called. Several indices may be
// shared at once. Items over the limits of [Item] are left out of answers; bytes of a
// name that are no UTF-8 are told as U+FFFD.
func (n *Node) Share(index Index) (stop func()) {
	remove := n.shares.add(index)
	n.Reindex()
	return func() {
		remove()
		n.Reindex()
	}
}

// shares are the indices of a node.
type shares struct {
	mu      sync.RWMutex
	indices []*Index
}

func (s *shares) add(index Index) (remove func()) {
	entry := &index
	s.mu.Lock()
	defer s.mu.Unlock()
	s.indices = append(s.indices, entry)
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		kept := make([]*Index, 0, len(s.indices))
		for _, e := range s.indices {
			if e != entry {
				kept = append(kept, e)
			}
		}
		s.indices = kept
	})
}

// match looks queries up in the own index, one after the other.
func (d *driver) match() {
	for {
		select {
		case <-d.ctx.Done():
			return
		case e := <-d.matches:
			d.handle(overlay.Event{Kind: overlay.Matched, GUID: e.GUID, Items: d.node.shares.match(queryOf(e.Query))})
		}
	}
}

// match asks every index, and returns what fits the wire.
func (s *shares) match(q Query) []wire.Item {
	s.mu.RLock()
	indices := s.indices
	s.mu.RUnlock()
	q.Words = slices.Clone(q.Words) // the query's own are on their way to others
	var out []wire.Item
	for _, index := range indices {
		for _, it := range (*index).Match(q) {
			if len(out) == min(q.Max, maxMatches) {
				return out
			}
			w := wire.Item{
				Key: string(it.Key), Name: strings.ToValidUTF8(it.Name, "\uFFFD"), Size: uint64(max(it.Size, 0)), Data: it.Data,
			}
			if fits(w) {
				out = append(out, w)
			}
		}
	}
	return out
}

func fits(it wire.Item) bool {
	return len(it.Key) <= wire.MaxKey && len(it.Name) <= wire.MaxItemName && len(it.Data) <= wire.MaxItemData
}
