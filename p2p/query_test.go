package p2p_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

func collect(t *testing.T, n *p2p.Node, q p2p.Query) (hits []p2p.Hit) {
	t.Helper()
	for hit, err := range n.Query(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		hits = append(hits, hit)
	}
	return hits
}

// finds asks once, and has to find.
func finds(t *testing.T, n *p2p.Node, q p2p.Query) p2p.Hit {
	t.Helper()
	q.Max = 1
	return findsAll(t, n, q, 1)[0]
}

// findsAll asks once, and has to find so many.
func findsAll(t *testing.T, n *p2p.Node, q p2p.Query, want int) (hits []p2p.Hit) {
	t.Helper()
	var report p2p.Report
	if q.Report == nil {
		q.Report = &report
	}
	if q.Max == 0 {
		q.Max = 100
	}
	for hit, err := range n.Query(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		if hits = append(hits, hit); len(hits) == want {
			return hits
		}
	}
	t.Fatalf("%d hits, not %d, for %q %q by %v: %v", len(hits), want, q.Key, q.Words, q.Strategy, q.Report)
	return nil
}

// meshed waits until all are linked with all.
func meshed(t *testing.T, net *p2ptest.Network) {
	t.Helper()
	eventually(t, "all are linked with all", func() bool {
		return !slices.ContainsFunc(net.Nodes, func(n *p2p.Node) bool { return len(n.Neighbours()) != len(net.Nodes)-1 })
	})
}

func TestQueryFindsByKeyAndWords(t *testing.T) {
	net := p2ptest.New(t, 6)
	for i, n := range net.Nodes {
		defer n.Share(p2p.Items{
			{Key: p2p.Key(fmt.Sprint("key-", i)), Name: fmt.Sprintf("Férias em Évora %d.zip", i), Size: int64(i), Data: []byte{byte(i)}},
		})()
	}
	for i, n := range net.Nodes {
		want := (i + 3) % len(net.Nodes)
		hit := finds(t, n, p2p.Query{Key: p2p.Key(fmt.Sprint("key-", want))})
		if hit.From.ID != net.Nodes[want].ID() || len(hit.From.Addrs) == 0 || hit.Hops < 1 || hit.RTT <= 0 ||
			hit.Item.Size != int64(want) || string(hit.Item.Data) != string([]byte{byte(want)}) {
			t.Fatalf("node %d: odd hit %+v", i, hit)
		}
	}
	meshed(t, net)
	hits := findsAll(t, net.Nodes[0], p2p.Query{Words: []string{"évora FÉRIAS"}}, len(net.Nodes))
	if hits[0].Hops != 0 || hits[0].From.ID != net.Nodes[0].ID() {
		t.Errorf("the own index comes first; got %+v", hits[0])
	}
}

func TestQueryEnds(t *testing.T) {
	net := p2ptest.New(t, 2)
	stop := net.Nodes[1].Share(p2p.Items{{Key: "k", Name: "one"}, {Key: "k", Name: "two"}})

	if hits := collect(t, net.Nodes[0], p2p.Query{Key: "absent", Timeout: 50 * time.Millisecond}); len(hits) != 0 {
		t.Errorf("found %v", hits)
	}
	for range net.Nodes[0].Query(t.Context(), p2p.Query{Key: "k", Timeout: patience}) {
		break
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var got error
	for _, err := range net.Nodes[0].Query(ctx, p2p.Query{Key: "absent", Timeout: patience}) {
		got = err
	}
	if !errors.Is(got, context.Canceled) {
		t.Errorf("cancelled query: %v", got)
	}
	stop()
	if hits := collect(t, net.Nodes[0], p2p.Query{Key: "k", Timeout: 200 * time.Millisecond}); len(hits) != 0 {
		t.Errorf("no longer shared, but found %v", hits)
	}
}

func TestQueryThatCannotBeAsked(t *testing.T) {
	net := p2ptest.New(t, 1)
	node := net.Nodes[0]
	for _, test := range []struct {
		query p2p.Query
		want  error
	}{
		{p2p.Query{}, p2p.ErrBadQuery},
		{p2p.Query{Words: []string{"--"}}, p2p.ErrBadQuery},
		{p2p.Query{Key: p2p.Key(make([]byte, 65))}, p2p.ErrBadQuery},
		{p2p.Query{Key: "k", Max: 201}, p2p.ErrBadQuery},
		{p2p.Query{Key: "k", TTL: 8, Strategy: p2p.Flood}, p2p.ErrBadQuery},
		{p2p.Query{Key: "k", TTL: 7}, p2p.ErrBadQuery},
		{p2p.Query{Key: "k", TTL: 1, Strategy: p2p.ExpandingRing}, p2p.ErrBadQuery},
		{p2p.Query{Key: "k", Strategy: p2p.RandomWalk + 1}, p2p.ErrBadQuery},
		{p2p.Query{Key: "k", TTL: 7, Strategy: p2p.Flood}, p2p.ErrNoNeighbours},
		{p2p.Query{Words: []string{"a b c d e f g h i"}}, p2p.ErrBadQuery},
		{p2p.Query{Key: "k"}, p2p.ErrNoNeighbours},
	} {
		var got error
		for _, err := range node.Query(t.Context(), test.query) {
			got = err
		}
		if !errors.Is(got, test.want) {
			t.Errorf("%+v: %v, want %v", test.query, got, test.want)
		}
	}
}

// Names of files can be any bytes. They are found, and cost nobody a link.
func TestNameThatIsNoUTF8(t *testing.T) {
	net := p2ptest.New(t, 2)
	net.Nodes[1].Share(p2p.Items{{Key: "k", Name: "caf\xe9 menu"}})
	for range 2 {
		hits := collect(t, net.Nodes[0], p2p.Query{Words: []string{"menu"}, Max: 1, Timeout: patience})
		if len(hits) != 1 || hits[0].Item.Name != "caf\uFFFD menu" {
			t.Fatalf("found %+v", hits)
		}
	}
}

func TestCloseInsideALoop(t *testing.T) {
	net := p2ptest.New(t, 2)
	net.Nodes[1].Share(p2p.Items{{Key: "k", Name: "one"}})
	var got error
	for _, err := range net.Nodes[0].Query(t.Context(), p2p.Query{Key: "k", Max: 2, Timeout: patience}) {
		if got = err; err == nil {
			if err := net.Nodes[0].Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if !errors.Is(got, p2p.ErrClosed) {
		t.Errorf("the query ended with %v", got)
	}
}
