package p2p

import (
	"fmt"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
)

// Strategy is how a query travels. The zero value is Guided.
type Strategy uint8

// The strategies.
const (
	// Guided follows the summaries that peers tell of what they share: it asks those
	// that match first, and then goes from peer to peer in search of more.
	Guided = Strategy(overlay.Guided)
	// Exhaustive goes on until it has met nearly all summaries of the overlay, so that
	// its report tells what a miss is worth.
	Exhaustive = Strategy(overlay.Exhaustive)
	// Flood asks everybody within a TTL, as Gnutella did.
	Flood = Strategy(overlay.Flood)
	// ExpandingRing floods further and further.
	ExpandingRing = Strategy(overlay.ExpandingRing)
	// RandomWalk sends walkers anywhere, which look at no summary.
	RandomWalk = Strategy(overlay.RandomWalk)
)

func (s Strategy) String() string { return overlay.Strategy(s).String() }

// floods tells whether the strategy sends copies that nobody counts.
func (s Strategy) floods() bool { return s == Flood || s == ExpandingRing }

// strategies lists them all.
func strategies() []Strategy {
	return []Strategy{Guided, Exhaustive, Flood, ExpandingRing, RandomWalk}
}

// ParseStrategy returns the strategy of a name, as String gives it. For any other
// name it fails, with an error that lists those that there are.
func ParseStrategy(name string) (Strategy, error) {
	for _, s := range strategies() {
		if s.String() == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("no strategy %q: want one of %v", name, strategies())
}
