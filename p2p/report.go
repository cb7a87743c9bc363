package p2p

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Report tells what a query cost and how far it came, with all its walks and probes:
// as much as its peers told.
type Report struct {
	Strategy Strategy
	Messages int  // sent for it by anybody, acknowledgements and hits included
	AtLeast  bool // Messages and Asked are a lower bound: nobody counts what a flood sends
	Asked    int  // look-ups in indices; a peer that two walks come to counts twice
	Hops     int  // links that it had gone at its first hit; 0: the own index had it, or nobody
	Hits     int
	FirstHit time.Duration // from asking to the first hit; 0 without one
	Took     time.Duration

	Covered     int     // peers whose summaries it was tested against
	Share       float64 // estimated share of the overlay that it covered, 0 to 1; -1: unknown
	Unreachable int     // peers that did not answer
	Stale       int     // peers that did not share what their summaries promised
	Path        []Step  // what was done where it came, walk by walk, with this node between two, if the query asked for it; 64 at most
}

// Step is what one peer did with a query that had come to it.
type Step struct {
	Peer    peer.ID
	Known   int // summaries that it tested
	Matched int // those that matched
	Found   int // results in its own index
	Lost    int // peers that it tried to pass it on to in vain
}

// String says it for people: "9 messages, 6 look-ups, 5 hops", and after a miss
// what that is worth. Of a flood it says that nobody counts the messages.
func (r Report) String() string {
	parts := []string{plural(r.Messages, "message"), plural(r.Asked, "look-up")}
	if r.AtLeast {
		parts = []string{"messages not counted"}
	}
	if r.Hits > 0 {
		parts = append(parts, plural(r.Hops, "hop"))
	} else {
		if r.Share >= 0 {
			parts = append(parts, fmt.Sprintf("about %.0f %% of the overlay covered", 100*r.Share))
		}
		if r.Unreachable > 0 {
			parts = append(parts, plural(r.Unreachable, "peer")+" did not answer")
		}
		if r.Stale > 0 {
			parts = append(parts, plural(r.Stale, "peer")+" had promised more than they share")
		}
	}
	return strings.Join(parts, ", ")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// newReport is that of a query of which nothing is known yet.
func newReport(s Strategy) Report {
	return Report{Strategy: s, AtLeast: s.floods(), Share: -1}
}

// note takes in what the query has cost by now. None of its numbers ever falls.
func (r *Report) note(t *wire.Tally) {
	if t == nil {
		return
	}
	r.Messages = max(r.Messages, int(t.Messages))
	r.Asked = max(r.Asked, int(t.Asked))
	r.Covered = max(r.Covered, int(t.Covered))
	r.Unreachable = max(r.Unreachable, int(t.Unreachable))
	r.Stale = max(r.Stale, int(t.Stale))
	if t.Known > 0 {
		share := 1 - float64(t.Fresh)/float64(t.Known)
		r.Share = math.Max(r.Share, math.Max(share, 0))
	}
	if len(t.Trace) >= len(r.Path) {
		r.Path = steps(t.Trace)
	}
}

func steps(trace []wire.Step) []Step {
	if len(trace) == 0 {
		return nil
	}
	out := make([]Step, len(trace))
	for i, s := range trace {
		out[i] = Step{
			Peer: peer.ID(s.Peer), Known: int(s.Known), Matched: int(s.Matched), Found: int(s.Found), Lost: int(s.Lost),
		}
	}
	return out
}
