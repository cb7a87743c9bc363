package p2ptest_test

import (
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func ask(t *testing.T, n *p2p.Node, q p2p.Query) (hits []p2p.Hit) {
	t.Helper()
	for hit, err := range n.Query(t.Context(), q) {
		if err != nil {
			t.Fatal(err)
		}
		hits = append(hits, hit)
	}
	return hits
}

func TestNetwork(t *testing.T) {
	net := p2ptest.New(t, 2)
	net.Nodes[1].Share(p2p.Items{{Key: "k", Name: "n"}})
	const latency = 300 * time.Millisecond
	net.SetLatency(latency)
	hits := ask(t, net.Nodes[0], p2p.Query{Key: "k", Max: 1, Timeout: time.Minute})
	if len(hits) != 1 || hits[0].RTT < latency {
		t.Errorf("at a round trip of %v: %+v", latency, hits)
	}
	net.SetLatency(0)
	net.Cut(1)
	if hits := ask(t, net.Nodes[0], p2p.Query{Key: "k", Max: 1, Timeout: time.Second}); len(hits) != 0 {
		t.Errorf("found %+v across a cut", hits)
	}
	net.Heal(1)
	late := time.After(time.Minute)
	for len(net.Nodes[0].Neighbours()) == 0 || len(net.Nodes[1].Neighbours()) == 0 {
		select {
		case <-late:
			t.Fatal("not linked again a minute after the cut")
		case <-time.After(20 * time.Millisecond):
		}
	}
	net.Kill(1)
}
