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
