package sim

import (
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestHostileNodes stay in the overlay, carry nothing, and answer falsely; what they
// claim is never taken for success.
func TestHostileNodes(t *testing.T) {
	var bad []int
	net := sharing(t, nil, func(n *Network) { bad = n.Corrupt(0.3) })
	if len(bad) != few*3/10 {
		t.Fatalf("%d of %d are hostile", len(bad), few)
	}
	linked := 0
	for _, id := range bad {
		linked += len(net.Neighbours(id))
	}
	if linked < 6*len(bad) {
		t.Errorf("a hostile node has %.1f links of 8: it gives itself away", float64(linked)/float64(len(bad)))
	}
	faked := 0
	for i := range 60 {
		if len(net.Holders(i)) == 0 {
			continue
		}
		s := net.Ask(outsider(net, i), net.cfg.Contents.Query(i), AskOptions{Strategy: overlay.Strategy(i % 3), Record: true})
		net.Run(2 * time.Second)
		faked += s.False
		for _, h := range s.Hits {
			if net.Hostile(h.Holder) {
				t.Errorf("a hit of the hostile node %d counts", h.Holder)
			}
		}
		for _, m := range s.Path {
			if m.Hostile != net.Hostile(m.From) {
				t.Errorf("node %d is taken for what it is not", m.From)
			}
			if m.Hostile && m.Kind != wire.KindAck && m.Kind != wire.KindHit {
				t.Errorf("the hostile node %d carried a message of kind %d", m.From, m.Kind)
			}
		}
	}
	if faked == 0 {
		t.Error("nobody answered falsely")
	}
}

// TestFullFilter is as full as a receiver takes, and no fuller.
func TestFullFilter(t *testing.T) {
	net := network(t, nil)
	f := fullFilter(net.rng)
	if f.Size() != summary.MaxSize || f.Fill() > summary.MaxFill || f.Fill() < summary.MaxFill-0.001 {
		t.Errorf("%d bytes, %.4f full", f.Size(), f.Fill())
	}
}
