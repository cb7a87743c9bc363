package overlay

import (
	"slices"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// looks answers the core's look-ups: who has pears finds one.
func (r *relay) looks(effects []Effect, has bool) []Effect {
	all := append([]Effect(nil), effects...)
	for _, e := range effects {
		if e.Kind == Match {
			var found []wire.Item
			if has && slices.Contains(e.Query.Words, "pear") {
				found = itemsOf("k", 1, 0)
			}
			all = append(all, r.core.Handle(r.now, Event{Kind: Matched, GUID: e.GUID, Items: found})...)
		}
	}
	return all
}

// TestAlteredQuestionsDenyNothing: who asks two things under one GUID makes no holder say
// that it has not what it promised, and none distrusted.
func TestAlteredQuestionsDenyNothing(t *testing.T) {
	for _, tt := range []struct {
		other    wire.Query
		straight bool
	}{
		{wire.Query{Words: []string{"zzz"}, Max: 1}, false},
		{wire.Query{Words: []string{"zzz"}, Max: 1}, true},
		{wire.Query{Key: "\x00pear\x00", Max: 1}, true}, // the same bytes, ended elsewhere
		{wire.Query{Key: "\x04pear", Max: 1}, true},
	} {
		straight := tt.straight
		holder, prober := newRelay(t, 24), newRelay(t, 24) // the attacker is 0 of both, each is 1 of the other
		prober.tell(1, prober.peers[1].Peer, filterOf([]string{"pear"}))
		// carry hands on what the prober passes to the holder, and the acknowledgement back.
		carry := func(m wire.Message) {
			for _, e := range prober.looks(prober.receive(0, m), false) {
				if e.Kind != Send || e.Msg.Kind != wire.KindQuery || e.Peer != prober.peers[1].Peer {
					continue
				}
				w := *e.Msg.Walk
				w.Target = "me"
				e.Msg.Walk = &w
				for _, back := range holder.looks(holder.receive(1, e.Msg), true) {
					if back.Kind == Send && back.Msg.Kind == wire.KindAck {
						prober.receive(1, back.Msg)
					}
				}
			}
		}
		for range 50 {
			holder.pass(time.Second)
			prober.pass(time.Second)
			m := prober.next(&wire.Walk{Kind: wire.WalkProbe, Target: prober.peers[1].Peer}, 1)
			m.Query = &tt.other
			if straight {
				m.Walk = &wire.Walk{Kind: wire.WalkGuided}
				holder.looks(holder.receive(0, m), true)
			} else {
				carry(m)
			}
			m.Query, m.Walk = &wire.Query{Words: []string{"pear"}, Max: 1}, &wire.Walk{Kind: wire.WalkGuided}
			carry(m)
		}
		if s := prober.core.Stats(); s.FalseMatches > 0 || s.OriginsDropped > 0 {
			t.Errorf("%+v: %d false matches, distrusted %d times", tt, s.FalseMatches, s.OriginsDropped)
		}
		if n := holder.core.Stats().WalksAltered + prober.core.Stats().WalksAltered; n == 0 {
			t.Errorf("%+v: no altered question was seen", tt)
		}
	}
}

// TestBusyPeersDenyNothing: a walk that cannot be looked up now, or is being looked up, is
// not answered that there is nothing.
func TestBusyPeersDenyNothing(t *testing.T) {
	probe := func(r *relay) wire.Message {
		m := r.next(&wire.Walk{Kind: wire.WalkProbe, Target: "me"}, 1)
		m.Nonce = 5
		return m
	}
	denied := func(effects []Effect) bool {
		for _, e := range effects {
			if e.Kind == Send && e.Msg.Kind == wire.KindAck {
				return true
			}
		}
		return false
	}
	t.Run("too many at once", func(t *testing.T) {
		r := newRelay(t, 40)
		for i := 0; len(r.core.looking) < MaxCarried; i++ {
			if i%40 == 0 {
				r.pass(time.Second / 10)
			}
			r.receive(i%40, r.next(&wire.Walk{Kind: wire.WalkGuided}, 1))
		}
		if denied(r.receive(1, probe(r))) {
			t.Error("denied")
		}
	})
	t.Run("under way", func(t *testing.T) {
		r := newRelay(t, 24)
		m := probe(r)
		first := append([]Effect(nil), r.receive(1, m)...)
		if denied(first) || denied(r.receive(2, m)) {
			t.Error("denied before it is looked up")
		}
		if !denied(r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID})) {
			t.Error("not denied though nothing was found")
		}
	})
	t.Run("by the driver", func(t *testing.T) {
		r := newRelay(t, 24)
		m := probe(r)
		r.receive(1, m)
		if denied(r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID, Dropped: true})) || denied(r.receive(2, m)) {
			t.Error("denied")
		}
	})
	t.Run("a walk goes on", func(t *testing.T) {
		r := newRelay(t, 24)
		m := r.next(&wire.Walk{Kind: wire.WalkGuided, Target: "me"}, 1)
		m.Nonce = 5
		r.receive(1, m)
		effects := r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID, Dropped: true})
		if denied(effects) || len(effects) != 1 || effects[0].Msg.Kind != wire.KindQuery {
			t.Errorf("effects %+v", effects)
		}
	})
}
