package overlay

import (
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestNewNeighboursAreToldWhatWasSigned: one that comes between a change of role and
// the next summary is told the last one, which says what the node was.
func TestNewNeighboursAreToldWhatWasSigned(t *testing.T) {
	r := newRelay(t, 4)
	sign := func(s *wire.Summary, _ *summary.Filter) []byte {
		if s.Leaf {
			return []byte("as a leaf")
		}
		return []byte("as a relay")
	}
	r.core.cfg.Sign = sign
	told := 0
	check := func(effects []Effect) {
		for _, e := range effects {
			if s := e.Msg.Summary; e.Kind == Send && s != nil {
				told++
				if want := string(sign(s, nil)); string(s.Signature) != want {
					t.Errorf("told a summary with leaf=%v signed %s", s.Leaf, s.Signature)
				}
			}
		}
	}
	for leaf := range 3 {
		check(r.core.Handle(r.now, Event{Kind: Role, Leaf: leaf == 1}))
		r.core.Handle(r.now, Event{Kind: Join, Peers: []wire.Contact{{Peer: "seed"}}})
		check(r.core.Handle(r.now, Event{Kind: Received, Peer: "seed", Msg: wire.Message{Kind: wire.KindNeighbourReply, Flag: true}}))
		if leaf == 0 {
			r.core.Handle(r.now, Event{Kind: Share, Filter: filterOf([]string{"pear"})})
		}
		r.now = r.now.Add(PublishAtOnce)
		check(r.core.Handle(r.now, Event{Kind: Tick}))
		r.now = r.now.Add(time.Minute)
	}
	if told < 5 {
		t.Errorf("told %d summaries", told)
	}
}
