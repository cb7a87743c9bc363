package main

import (
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// result is one content that was found, with all who have it.
type result struct {
	listing           // its size as the first holder tells it, its name the least of all
	names   []string  // as all of them tell it, each once, in order
	holders []peer.ID // each once, in the order of their answers
}

// results gathers hits. The zero value is ready.
type results struct {
	all     []*result
	holders []peer.ID
}

// add puts a hit to the others of its content. Who has a content under two names counts
// once.
func (r *results) add(l listing, hit p2p.Hit) {
	if !slices.Contains(r.holders, hit.From.ID) {
		r.holders = append(r.holders, hit.From.ID)
	}
	at := slices.IndexFunc(r.all, func(have *result) bool { return have.ID == l.ID })
	if at < 0 {
		r.all = append(r.all, &result{listing: l, names: []string{l.Name}, holders: []peer.ID{hit.From.ID}})
		return
	}
	have := r.all[at]
	if i, known := slices.BinarySearch(have.names, l.Name); !known {
		have.names = slices.Insert(have.names, i, l.Name)
		have.Name = have.names[0]
	}
	if !slices.Contains(have.holders, hit.From.ID) {
		have.holders = append(have.holders, hit.From.ID)
	}
}
