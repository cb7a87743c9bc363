package overlay

// Strategy is how a query of the node's own travels. Append-only.
type Strategy uint8

// The strategies; a file each.
const (
	Guided        Strategy = iota // follow the summaries: guided.go
	Exhaustive                    // visit all there is: exhaustive.go
	Flood                         // ask everybody within a TTL: flood.go
	ExpandingRing                 // flood further and further: expanding_ring.go
	RandomWalk                    // many walkers, anywhere: random_walk.go
	strategies
)

func (s Strategy) String() string {
	names := [strategies]string{"guided", "exhaustive", "flood", "expanding-ring", "random-walk"}
	if s < strategies {
		return names[s]
	}
	return "unknown"
}

// plan carries a strategy out for one search. Each of its calls may send attempts of
// the search out, say by search.wake when to be called again, or end it.
type plan interface {
	// start sends the first attempts.
	start(c *Core, s *search)
	// ended is told when the last attempt under way has come to its end, without
	// as many results as are wanted.
	ended(c *Core, s *search)
	// waited is told when it is time, with attempts still under way or none.
	waited(c *Core, s *search)
}

func (s Strategy) plan() plan {
	switch s {
	case Exhaustive:
		return &exhaustive{}
	case Flood:
		return flood{}
	case ExpandingRing:
		return &expandingRing{}
	case RandomWalk:
		return &randomWalk{}
	default:
		return &guided{}
	}
}

var (
	_ plan = (*guided)(nil)
	_ plan = (*exhaustive)(nil)
	_ plan = flood{}
	_ plan = (*expandingRing)(nil)
	_ plan = &randomWalk{}
)
