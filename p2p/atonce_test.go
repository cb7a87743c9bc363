package p2p_test

import (
	"fmt"
	"testing"

	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// What a node shares is found at once, long before its summary has gone round.

func TestSharedJustBeforeJoining(t *testing.T) {
	nodes := line(t, 3)
	first, middle, last := nodes[0], nodes[1], nodes[2]
	join(t, middle, last.AddrInfo())
	defer first.Share(p2p.Items{{Key: "k", Name: "one"}})()
	join(t, first, middle.AddrInfo())
	finds(t, middle, p2p.Query{Key: "k"})
	defer last.Share(p2p.Items{{Key: "l", Name: "two"}})()
	finds(t, middle, p2p.Query{Key: "l"})
	finds(t, first, p2p.Query{Words: []string{"two"}})
	finds(t, last, p2p.Query{Words: []string{"one"}})
}

func TestTwoThatHaveJustJoined(t *testing.T) {
	net := p2ptest.New(t, 2)
	for i, n := range net.Nodes {
		defer n.Share(p2p.Items{{Key: p2p.Key(fmt.Sprint(i)), Name: "n"}})()
	}
	finds(t, net.Nodes[0], p2p.Query{Key: "1"})
	finds(t, net.Nodes[1], p2p.Query{Key: "0"})
}

// Twelve that have just joined share and ask while links still come up, once each; and
// when all are linked, more often than summaries are told.
func TestShareAndAskAtOnce(t *testing.T) {
	net := p2ptest.New(t, 12)
	n := len(net.Nodes)
	shareAndAsk := func(round int) {
		key := p2p.Key(fmt.Sprint("key-", round))
		holder, asker := net.Nodes[round%n], net.Nodes[(round*5+3)%n]
		if holder == asker {
			asker = net.Nodes[(round+1)%n]
		}
		t.Cleanup(holder.Share(p2p.Items{{Key: key, Name: "n"}}))
		finds(t, asker, p2p.Query{Key: key})
	}
	for round := range n {
		shareAndAsk(round)
	}
	meshed(t, net)
	for round := range 20 {
		shareAndAsk(n + round)
	}
}
