package overlay

import (
	"math/rand/v2"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestSeenKnowsHowMuchItForgets: where many origins share bits, the new ones among a
// sample are still about as many as there are.
func TestSeenKnowsHowMuchItForgets(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1)) // peer IDs are hashes of keys
	s := newSeen(make([]byte, SmallSeen))
	for at := range 20 {
		const sample = 500
		fresh := 0
		for range sample {
			if s.add(rng.Uint32()) {
				fresh++
			}
		}
		if got := s.corrected(fresh); got < sample*8/10 || got > sample*12/10 {
			t.Errorf("of %d new origins beside %d, %d are taken for new", sample, sample*at, got)
		}
	}
	if again := newSeen(s.bits); again.ones != s.ones {
		t.Errorf("%d bits of %d", again.ones, s.ones)
	}
	full := newSeen([]byte{255, 255})
	if full.add(wire.PeerID("a").Mark()) || full.corrected(0) != 0 {
		t.Error("something is new to a full set")
	}
	none := newSeen(nil)
	none.add(7)
	if !none.add(7) {
		t.Error("what keeps nothing knows something")
	}
}
