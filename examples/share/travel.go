package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
	"github.com/grapevine-p2p/grapevine/internal/words"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// travel are the flags of how a question goes through the overlay.
type travel struct {
	Strategy string        `help:"How the question travels: ${enum}. Exhaustive tells what a miss is worth; the last three are for comparison." enum:"guided,exhaustive,flood,expanding-ring,random-walk" default:"guided"`
	Timeout  time.Duration `help:"How long to search. Default: 5s, or a minute for exhaustive." default:"0" placeholder:"TIME"`
	Explain  bool          `help:"Show which way the question went, and what each peer on it did."`
}

// Validate is called by kong.
func (t travel) Validate() error {
	if t.Timeout < 0 {
		return fmt.Errorf("--timeout: %v is below zero", t.Timeout)
	}
	return nil
}

// check refuses words that nothing can be searched by.
func (t travel) check(what []string) error {
	if len(words.Ask(what...)) == 0 {
		return fmt.Errorf("no word to search for in %q", strings.Join(what, " "))
	}
	if _, _, err := t.apply(p2p.Query{Words: what}); err != nil {
		return err
	}
	return t.Validate()
}

// apply completes a query, and tells what is wrong with it.
func (t travel) apply(q p2p.Query) (p2p.Query, *p2p.Report, error) {
	strategy, err := p2p.ParseStrategy(t.Strategy)
	if err != nil {
		return q, nil, err
	}
	q.Strategy, q.Timeout, q.Trace, q.Report = strategy, t.Timeout, t.Explain, new(p2p.Report)
	return q, q.Report, q.Check()
}

// explain prints the way of a question that a node asked, if that is wanted.
func (t travel) explain(out *program.Output, asker peer.ID, path []p2p.Step) {
	if !t.Explain || out.JSON() {
		return
	}
	for _, s := range path {
		out.Detail("    %s", step(s, asker))
	}
}

// step says what a peer did, as the peers tell it. The asker stands where another walk
// begins.
func step(s p2p.Step, asker peer.ID) string {
	if s.Peer == asker {
		return "another walk:"
	}
	var what []string
	if s.Known > 0 {
		what = append(what, fmt.Sprintf("knew %s, %d of them matched", program.Count(s.Known, "summary"), s.Matched))
	}
	if s.Found > 0 {
		what = append(what, fmt.Sprintf("had %d itself", s.Found))
	}
	if s.Lost > 0 {
		what = append(what, program.Count(s.Lost, "peer")+" did not answer it")
	}
	if len(what) == 0 {
		what = append(what, "passed it on")
	}
	return display.Fingerprint(s.Peer.String()) + "  " + strings.Join(what, ", ")
}

// reported are the fields of a report for a machine.
func reported(r *p2p.Report) program.Fields {
	return program.Fields{
		"strategy": r.Strategy.String(), "messages": r.Messages, "at_least": r.AtLeast, "look_ups": r.Asked, "hops": r.Hops,
		"covered": r.Covered, "share": r.Share, "unreachable": r.Unreachable, "stale": r.Stale, "path": steps(r.Path),
	}
}

func steps(path []p2p.Step) []program.Fields {
	out := []program.Fields{}
	for _, s := range path {
		out = append(out, program.Fields{
			"peer": s.Peer, "known": s.Known, "matched": s.Matched, "found": s.Found, "lost": s.Lost,
		})
	}
	return out
}
