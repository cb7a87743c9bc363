package overlay

import (
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestReusedGUIDsDenyNothing: a GUID that came to a holder before, when it had nothing to
// look up, or nothing yet, or was its own, makes it deny nothing to who sends a probe.
func TestReusedGUIDsDenyNothing(t *testing.T) {
	pear := &wire.Query{Words: []string{"pear"}, Max: 9}
	for name, before := range map[string]func(t *testing.T, holder *relay) wire.GUID{
		"flooded": func(_ *testing.T, holder *relay) wire.GUID {
			m := holder.next(nil, 1)
			m.Query, m.TTL = pear, 2
			holder.looks(holder.receive(0, m), true)
			return m.GUID
		},
		"not shared yet": func(_ *testing.T, holder *relay) wire.GUID {
			m := holder.next(&wire.Walk{Kind: wire.WalkGuided}, 1)
			m.Query = pear
			holder.looks(holder.receive(0, m), false)
			return m.GUID
		},
		"its own": func(t *testing.T, holder *relay) wire.GUID {
			guid, _ := holder.asks(t, wire.GUID{1}, pear, Guided)
			return guid
		},
	} {
		holder := newRelay(t, 24)
		m := wire.Message{Kind: wire.KindQuery, GUID: before(t, holder), Query: pear, TTL: 1, Hops: 1, Nonce: 7}
		m.Walk = &wire.Walk{Kind: wire.WalkProbe, Target: "me"}
		denied := 0
		for range 20 {
			holder.pass(time.Second)
			for _, e := range holder.looks(holder.receive(1, m), true) {
				if e.Kind == Send && e.Msg.Kind == wire.KindAck && e.Msg.Found == 0 {
					denied++
				}
			}
		}
		if denied > 0 {
			t.Errorf("%s: denied %d times", name, denied)
		}
	}
}
