package main

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// TestNameOfMany: a content of several names has the same one in whatever order its
// holders answer.
func TestNameOfMany(t *testing.T) {
	names := []string{"song.mp3", "Canção.mp3", "ninar.mp3", "Canção.mp3"}
	for first := range names {
		var r results
		for i := range names {
			name := names[(first+i)%len(names)]
			r.add(listing{ID: contentID{1}, Name: name}, p2p.Hit{From: peer.AddrInfo{ID: peer.ID(name)}})
		}
		if len(r.all) != 1 || r.all[0].Name != "Canção.mp3" || len(r.all[0].names) != 3 || len(r.all[0].holders) != 3 {
			t.Errorf("from %q on: %+v", names[first], r.all[0])
		}
	}
}
