package overlay

import "time"

// patience is how many times longer than usual the node waits for what a walk should
// bring, so that it does not take slow peers for dead ones and send everything twice,
// which would make them slower still: in steps of a sixteenth, above the usual. Its
// zero value is the usual.
type patience int

const mostPatience = 15 << 4

// times stretches a wait.
func (p patience) times(d time.Duration) time.Duration { return d + d*time.Duration(p)/16 }

// hasty is told that something came that was given up: waits double.
func (p *patience) hasty() { *p = min(2**p+16, mostPatience) }

// timely is told that something came in time: waits go back to the usual, slowly.
func (p *patience) timely() { *p = max(*p-1, 0) }
