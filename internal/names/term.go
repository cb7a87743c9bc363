package names

import "time"

// driftShare is the part of a term that its holder gives up because clocks do not
// run alike: 1 %, where a bad crystal is off by 0.01 % and a clock being corrected
// by 0.05 %.
const driftShare = 100

// Term is what a grant or renewal is worth to its holder. Began is when the request
// was sent to those who grant, or before; Span is what was granted. A server counts
// from when it took the request and tells its client what is left; the client
// counts that from when it sent the request, so it always ends earlier for the
// client than for the server, and for the server than for the federation.
type Term struct {
	Began time.Time
	Span  time.Duration
}

// Left is how long the term runs on at the time now; 0 when it has ended.
func (t Term) Left(now time.Time) time.Duration {
	return max(0, t.Span-t.Span/driftShare-elapsed(t.Began, now))
}

// elapsed is the larger of what the monotonic and the wall clock measured: the one
// stands while a machine sleeps, the other may be set back.
func elapsed(from, to time.Time) time.Duration {
	return max(to.Sub(from), to.Round(0).Sub(from.Round(0)))
}
