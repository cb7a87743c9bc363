package overlay

import (
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestWhatWasSentStaysAsItWas: a walk that is taken back and sent to another does not
// change the message that went to the first, which a driver may not have written yet.
func TestWhatWasSentStaysAsItWas(t *testing.T) {
	r := newRelay(t, 3)
	r.now = r.now.Add(2 * FreshFor)
	m := r.next(&wire.Walk{Kind: wire.WalkGuided}, 1)
	m.Query.Trace = true
	r.receive(0, m)
	first := r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID})[0].Msg.Walk
	r.now = r.now.Add(MaxAckWait)
	for _, e := range r.core.Handle(r.now, Event{Kind: Tick}) {
		if e.Kind != Send || e.Msg.Walk == nil {
			continue
		}
		again := e.Msg.Walk
		if first.Careful || len(first.Past) != 1 || first.Tally.Trace[0].Lost != 0 || first.Tally.Unreachable != 0 {
			t.Errorf("what was sent is %+v now", first)
		}
		if !again.Careful || len(again.Past) != 2 || again.Tally.Trace[0].Lost != 1 || again.Tally.Unreachable != 1 {
			t.Errorf("what is sent again is %+v", again)
		}
		return
	}
	t.Fatal("it is not sent again")
}

// TestWalksGoWhereTheyCanBePaid: as long as one link can carry a walk it goes on.
func TestWalksGoWhereTheyCanBePaid(t *testing.T) {
	for able := range 24 {
		r := newRelay(t, 25)
		for i, p := range r.peers[:24] {
			for l := r.core.links[p.Peer]; i != able && l.out.take(r.core.now, r.core.queryLimit, 0); {
			}
		}
		m := r.next(&wire.Walk{Kind: wire.WalkGuided}, 1)
		r.receive(24, m)
		var to []int
		for _, e := range r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID}) {
			to = append(to, r.place(e.Peer))
		}
		if len(to) != 1 || to[0] != able {
			t.Errorf("a walk that only %d can be sent goes to %v", able, to)
		}
	}
}
