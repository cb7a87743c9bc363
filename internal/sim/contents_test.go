package sim

import (
	"slices"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// filled returns what so many nodes share, each of which has its library.
func filled(cfg ContentsConfig) *Contents {
	c := NewContents(cfg)
	for node := range cfg.Peers {
		c.take(int32(node))
	}
	return c
}

// TestContentsAreTruthful: what is looked for is at as many nodes as were asked for,
// their summaries say so, and nearly nobody else's do.
func TestContentsAreTruthful(t *testing.T) {
	for _, words := range []int{0, 1, 2, 3} {
		c := filled(ContentsConfig{Seed: 1, Peers: 200, Entries: 300, Wanted: 40, Replicas: 3, Words: words})
		claims := 0
		for i := range 40 {
			q := c.Query(i)
			p := summary.For(q.Key, q.Words)
			if len(q.Words) != words || (q.Key == "") != (words > 0) {
				t.Fatalf("%d words: query %+v", words, q)
			}
			holders := 0
			for node := range 200 {
				has, claimed := len(c.Index(node, q)) > 0, c.Filter(node).Matches(p)
				if has {
					holders++
				}
				if has && !claimed {
					t.Errorf("%d words: the summary of node %d does not tell what it has", words, node)
				}
				if claimed && !has {
					claims++
				}
			}
			if len(c.wanted[i].holders) != 3 || holders < 3 || words != 1 && holders > 5 {
				t.Errorf("%d words: query %d is answered by %d nodes, of 3 that were given it", words, i, holders)
			}
		}
		if claims > 10 { // of 8,000, one in 11,000 by accident for each term
			t.Errorf("%d words: %d summaries promise what is not there", words, claims)
		}
	}
}

// TestLibrariesAreOfOneSize: with 1,000 entries a summary is what the figures of
// docs speak of, 2.5 KiB.
func TestLibrariesAreOfOneSize(t *testing.T) {
	for _, words := range []int{0, 2} {
		c := filled(ContentsConfig{Seed: 2, Peers: 50, Entries: 1000, Wanted: 50, Replicas: 3, Words: words})
		for node := range 50 {
			if f := c.Filter(node); f.Size() != 2560 || f.Fill() < 0.35 || f.Fill() > 0.42 {
				t.Errorf("%d words: a summary of %d bytes that is %.2f full", words, f.Size(), f.Fill())
			}
		}
	}
}

// TestWordsAreCommonAndPairsAreNot is what makes queries of several words a task.
func TestWordsAreCommonAndPairsAreNot(t *testing.T) {
	c := filled(ContentsConfig{Seed: 3, Peers: 1000, Entries: 1000, Wanted: 30, Replicas: 3, Words: 2})
	one, two := 0, 0
	for i := range 30 {
		q := c.Query(i)
		for node := range 1000 {
			one += len(c.Index(node, &wire.Query{Words: q.Words[:1], Max: 1}))
			two += len(c.Index(node, q))
		}
	}
	if one < 30*8 || one > 30*150 {
		t.Errorf("a word is at %.1f of 1,000 nodes", float64(one)/30)
	}
	if two > 30*4 {
		t.Errorf("a pair of words is at %.1f of 1,000 nodes, of 3 that were given it", float64(two)/30)
	}
}

func TestAbsentIsNowhere(t *testing.T) {
	for _, words := range []int{0, 1, 2} {
		c := filled(ContentsConfig{Seed: 4, Peers: 100, Entries: 200, Wanted: 20, Replicas: 3, Words: words, Absent: true})
		for i := range 20 {
			for node := range 100 {
				if items := c.Index(node, c.Query(i)); items != nil {
					t.Fatalf("%d words: node %d has %v", words, node, items)
				}
			}
		}
	}
}

// TestChangeKeepsWhatIsWanted: the rest of a library is another then.
func TestChangeKeepsWhatIsWanted(t *testing.T) {
	for _, words := range []int{0, 2} {
		c := filled(ContentsConfig{Seed: 5, Peers: 20, Entries: 300, Wanted: 60, Replicas: 2, Words: words})
		before := make([]*summary.Filter, 20)
		for node := range before {
			before[node] = c.Filter(node)
		}
		for range 30 {
			for node := range before {
				c.change(node, 30)
			}
		}
		for node := range before {
			if slices.Equal(before[node].Bytes(), c.Filter(node).Bytes()) {
				t.Errorf("%d words: node %d shares what it did", words, node)
			}
		}
		for i := range 60 {
			for _, at := range c.wanted[i].holders {
				if q := c.Query(i); len(c.Index(int(c.libraries[at].node), q)) == 0 {
					t.Errorf("%d words: query %d lost a holder", words, i)
				}
			}
		}
	}
}

// TestLibrariesComeBack: what a node had that left is somebody else's later.
func TestLibrariesComeBack(t *testing.T) {
	c := filled(ContentsConfig{Seed: 6, Peers: 3, Entries: 20, Wanted: 5, Replicas: 3})
	q := c.Query(0)
	c.giveBack(1)
	if len(c.Index(1, q)) != 0 || c.Filter(1) != nil {
		t.Error("a node that left has its library still")
	}
	c.take(17)
	if len(c.Index(17, q)) != 1 || !c.Filter(17).Matches(summary.For(q.Key, q.Words)) {
		t.Error("a newcomer has not the library that was free")
	}
	c.take(18)
	if c.Filter(18) != nil {
		t.Error("a node has a library though none was free")
	}
}
