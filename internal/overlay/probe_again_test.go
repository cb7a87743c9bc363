package overlay

import (
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestProbeIsLookedUpThoughAnotherPassedThrough: all probes of a walk have one GUID.
func TestProbeIsLookedUpThoughAnotherPassedThrough(t *testing.T) {
	r := newRelay(t, 4)
	r.tell(1, "far", filterOf([]string{"pear"}))
	m := r.next(&wire.Walk{Kind: wire.WalkProbe, Target: "far"}, 10)
	m.GUID[15] = sideAttempt | 1
	r.receive(0, m) // a probe of the walk passes through
	w := &wire.Walk{Kind: wire.WalkProbe, Target: "me"}
	m.Walk, m.Nonce = w, 9
	for _, e := range r.receive(2, m) { // another probe of it is for this node
		if e.Kind == Match {
			return
		}
	}
	t.Error("not looked up")
}
