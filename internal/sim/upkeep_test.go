package sim

import (
	"math"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestUpkeepIsNearTheTruth: measuring one message in sixteen of each kind comes to
// what measuring each would.
func TestUpkeepIsNearTheTruth(t *testing.T) {
	net := sharing(t, nil, nil)
	var u upkeep
	exact := 0
	for i := range 5_000 {
		m := wire.Message{Kind: wire.KindPing, Nonce: uint32(i)}
		switch i % 3 {
		case 1:
			m = wire.Message{Kind: wire.KindShuffle, TTL: 3, Contact: wire.Contact{Peer: PeerOf(i)}}
			for c := range 1 + i%7 {
				m.Contacts = append(m.Contacts, wire.Contact{Peer: PeerOf(c)})
			}
		case 2:
			m = wire.Message{Kind: wire.KindSummary, Summary: &wire.Summary{
				Origin: PeerOf(i), Seq: uint64(i), Filter: net.cfg.Contents.Filter(i % few),
			}}
		}
		u.count(&m)
		exact += realSize(&m)
	}
	if off := math.Abs(u.bytes()/float64(exact) - 1); off > 0.03 {
		t.Errorf("%.0f bytes of %d: off by %.1f %%", u.bytes(), exact, 100*off)
	}
}

// TestRealSize: IDs, records and signatures count as on a real network, so those
// that are there already count as they are.
func TestRealSize(t *testing.T) {
	real := wire.PeerID(make([]byte, peerIDBytes))
	full := wire.Message{Kind: wire.KindShuffle, TTL: 1, Contact: wire.Contact{Peer: real, Record: make([]byte, 200)}}
	if got := realSize(&full); got != wire.Size(full) {
		t.Errorf("%d bytes of %d", got, wire.Size(full))
	}
	bare := wire.Message{Kind: wire.KindShuffle, TTL: 1, Contact: wire.Contact{Peer: "n1"}}
	if got, least := realSize(&bare), peerIDBytes+recordBytes; got < least || got > least+20 {
		t.Errorf("%d bytes, of which the contact alone has %d", got, least)
	}
}

// TestUpkeepCountsNoSearch: a flood leaves it as it is.
func TestUpkeepCountsNoSearch(t *testing.T) {
	net := sharing(t, nil, nil)
	net.MeasureUpkeep()
	net.Run(30 * time.Second)
	idle := net.Upkeep()
	if idle <= 0 || idle > 10_000 {
		t.Errorf("%.0f bytes a second", idle)
	}
	net.MeasureUpkeep()
	for i := range 30 {
		net.Ask(outsider(net, i), net.cfg.Contents.Query(i), AskOptions{})
		net.Run(time.Second)
	}
	if busy := net.Upkeep(); busy > 1.5*idle {
		t.Errorf("%.0f bytes a second with searches, %.0f without", busy, idle)
	}
	if net.UpkeepMessages(wire.KindQuery) != 0 {
		t.Error("queries count as upkeep")
	}
}
