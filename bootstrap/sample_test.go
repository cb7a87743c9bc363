package bootstrap

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

func TestSample(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	empty := newStory(testTable())
	if got := empty.sample(t0, rng, 5, "me"); len(got) != 0 {
		t.Fatalf("of nothing: %v", got)
	}
	table := testTable()
	story := newStory(table)
	var there []entry
	for i := range 1000 {
		id := peer.ID(fmt.Sprint("peer", i))
		table.grant(t0, claimOf(id, "", 1), manner{})
		named := claimOf(id, fmt.Sprint("name", i), 1)
		named.hidden = i%3 == 0
		table.grant(t0, named, manner{})
		if i%2 == 0 {
			table.presence(t0, id, false)
		}
		there = append(there, entry{claim: claimOf(peer.ID(fmt.Sprint("there", i)), "", 1), online: true})
	}
	adoptAll(story, "fellow", there)
	elsewhere := 0
	for range 100 {
		got := story.sample(t0, rng, 10, "peer1")
		if len(got) != 10 {
			t.Fatalf("%d of 10", len(got))
		}
		seen := map[peer.ID]bool{"peer1": true}
		for _, e := range got {
			if seen[e.claim.peer] || !e.online || e.claim.hidden {
				t.Fatalf("sample holds %v twice, or it is away or hidden", e.claim.peer)
			}
			seen[e.claim.peer] = true
			if strings.HasPrefix(string(e.claim.peer), "there") {
				elsewhere++
			}
		}
	}
	if elsewhere < 200 || elsewhere > 800 {
		t.Errorf("%d of 1000 are from the fellow", elsewhere)
	}
	for i := range 3 {
		small := testTable()
		for j := range i + 1 {
			small.grant(t0, claimOf(peer.ID(fmt.Sprint(j)), "", 1), manner{})
		}
		if got := newStory(small).sample(t0, rng, 10, "0"); len(got) != i {
			t.Fatalf("%d of %d others", len(got), i)
		}
	}
}
