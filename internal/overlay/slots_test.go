package overlay

import (
	"fmt"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestEverySlotIsTaken: with as many neighbours and leaves as there can be, one that
// comes in place of another still finds its slot.
func TestEverySlotIsTaken(t *testing.T) {
	r := newRelay(t, MaxRelays)
	for i := range MaxLeaves + 1 {
		r.peers = append(r.peers, wire.Contact{Peer: wire.PeerID(fmt.Sprint("leaf", i))})
		r.receive(len(r.peers)-1, wire.Message{Kind: wire.KindNeighbour, Leaf: true})
	}
	if len(r.core.view) != MaxLinks || r.core.leaves() != MaxLeaves {
		t.Fatalf("%d neighbours, of which %d leaves", len(r.core.view), r.core.leaves())
	}
	l := r.core.view[MaxRelays-1]
	l.chosen, l.rtt = true, time.Minute
	r.peers = append(r.peers, wire.Contact{Peer: "better"})
	r.core.Handle(r.now, Event{Kind: Learn, Peers: r.peers[len(r.peers)-1:]})
	r.core.cache.find("better").probed = 1
	r.core.Handle(r.now.Add(time.Second), Event{Kind: Probed, Peer: "better"})
	r.core.prefer()
	r.receive(len(r.peers)-1, wire.Message{Kind: wire.KindNeighbourReply, Flag: true})
	if r.core.links["better"] == nil || r.core.links[l.peer] != nil || len(r.core.view) != MaxLinks {
		t.Errorf("%d neighbours, and not the better one", len(r.core.view))
	}
}
