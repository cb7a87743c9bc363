package sim

import (
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// ContentsConfig says what the nodes of a network share.
type ContentsConfig struct {
	Seed     uint64
	Peers    int  // libraries there are: one for each node
	Entries  int  // filter entries that a library comes to
	Wanted   int  // queries that are looked for
	Replicas int  // libraries that have what a query looks for
	Words    int  // words of a query, at most three; 0: queries are for exact keys
	Absent   bool // nobody has what is looked for
}

// Contents is what the nodes of a network share: libraries, each of which one node has
// at a time. One that leaves gives its library back, and a newcomer takes one that is
// free, as somebody who comes back under another address does.
//
// Nearly all that a library has is its own and never looked for. It is not for use by
// several networks.
type Contents struct {
	cfg       ContentsConfig
	rng       *rand.Rand
	libraries []library
	wanted    []wanted
	holders   map[string][]int32 // of a key that is looked for
	of        map[int32]int32    // the library of a node
	free      []int32
	words     *vocabulary // if names are shared
}

type library struct {
	node   int32 // that has it; -1: none
	first  int   // of its own keys, which are numbered
	keys   []int32
	names  []name
	filter *summary.Filter // of the above; nil: not made yet
}

// wanted is something that is looked for.
type wanted struct {
	query   *wire.Query
	holders []int32
}

// NewContents makes up what a network shares.
func NewContents(cfg ContentsConfig) *Contents {
	c := &Contents{
		cfg: cfg, rng: rand.New(rand.NewPCG(cfg.Seed, 1<<40)),
		libraries: make([]library, cfg.Peers),
		holders:   map[string][]int32{}, of: map[int32]int32{},
	}
	if cfg.Words > 0 {
		c.words = newVocabulary(c.rng)
	}
	for i := range c.libraries {
		c.libraries[i].node = -1
		c.free = append(c.free, int32(i))
		if c.words != nil {
			c.libraries[i].names = c.words.names(cfg.Entries)
		}
	}
	slices.Reverse(c.free) // the first node takes the first
	for i := range cfg.Wanted {
		c.want(i)
	}
	return c
}

// want makes up the query i and puts what it looks for into some libraries.
func (c *Contents) want(i int) {
	w := wanted{}
	if !c.cfg.Absent {
		w.holders = c.some(c.cfg.Replicas)
	}
	if c.words != nil {
		n := c.words.wanted()
		w.query = &wire.Query{Words: n.words()[:min(c.cfg.Words, wordsOfName)], Max: 1}
		for _, at := range w.holders {
			c.libraries[at].put(c.rng, n)
		}
		if c.cfg.Absent {
			w.query.Words = append(w.query.Words[:len(w.query.Words)-1], "nowhere"+strconv.Itoa(i))
		}
	} else {
		w.query = &wire.Query{Key: "wanted/" + strconv.Itoa(i), Max: 1}
		for _, at := range w.holders {
			c.libraries[at].keys = append(c.libraries[at].keys, int32(i))
		}
		c.holders[w.query.Key] = w.holders
	}
	c.wanted = append(c.wanted, w)
}

// put makes a name one of the library's, in place of one that nobody looks for.
func (l *library) put(rng *rand.Rand, n name) {
	first := rng.IntN(len(l.names))
	for i := range l.names {
		if old := &l.names[(first+i)%len(l.names)]; !old.wanted {
			*old = n
			return
		}
	}
	l.names = append(l.names, n)
}

// some returns different libraries.
func (c *Contents) some(count int) []int32 {
	var list []int32
	for len(list) < min(count, len(c.libraries)) {
		if at := int32(c.rng.IntN(len(c.libraries))); !slices.Contains(list, at) {
			list = append(list, at)
		}
	}
	return list
}

// Query returns what is looked for, from 0 to Wanted.
func (c *Contents) Query(i int) *wire.Query { return c.wanted[i].query }

// Index answers a query at a node, truthfully.
func (c *Contents) Index(node int, q *wire.Query) []wire.Item {
	at, ok := c.of[int32(node)]
	if !ok {
		return nil
	}
	if q.Key != "" {
		if slices.Contains(c.holders[q.Key], at) {
			return []wire.Item{{Key: q.Key}}
		}
		return nil
	}
	for _, n := range c.libraries[at].names {
		if n.has(q.Words) {
			return []wire.Item{{Name: n.String()}}
		}
	}
	return nil
}

// Filter returns the summary of a node's library; nil if it has none.
func (c *Contents) Filter(node int) *summary.Filter {
	at, ok := c.of[int32(node)]
	if !ok {
		return nil
	}
	l := &c.libraries[at]
	if l.filter == nil {
		l.filter = c.summarise(int(at), l)
	}
	return l.filter
}

func (c *Contents) summarise(at int, l *library) *summary.Filter {
	var b summary.Builder
	for _, n := range l.names {
		b.Add("", n.words())
	}
	for _, i := range l.keys {
		b.Add(c.wanted[i].query.Key, nil)
	}
	if c.words == nil {
		key := strconv.AppendInt(nil, int64(at), 10)
		key = append(key, '/')
		for i := range c.cfg.Entries - len(l.keys) {
			b.Add(string(strconv.AppendInt(key, int64(l.first+i), 10)), nil)
		}
	}
	return b.Filter()
}

// change replaces a number of a library's own keys or names. What is looked for stays.
func (c *Contents) change(node int, count int) {
	at, ok := c.of[int32(node)]
	if !ok {
		return
	}
	l := &c.libraries[at]
	l.filter = nil
	l.first += count
	for range min(count/termsOfName, len(l.names)) {
		i := c.rng.IntN(len(l.names))
		if !l.names[i].wanted {
			l.names[i] = c.words.draw()
		}
	}
}

// take gives a node a library, if one is free.
func (c *Contents) take(node int32) {
	if last := len(c.free) - 1; last >= 0 {
		at := c.free[last]
		c.free = c.free[:last]
		c.of[node], c.libraries[at].node = at, node
	}
}

// giveBack makes a node's library free.
func (c *Contents) giveBack(node int32) {
	if at, ok := c.of[node]; ok {
		delete(c.of, node)
		c.libraries[at].node = -1
		c.free = append(c.free, at)
	}
}
