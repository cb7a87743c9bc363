package main

import (
	"fmt"
	"strings"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/sim"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// mostShown is how many messages of a path are shown: of a flood, only how many went
// how far.
const mostShown = 400

// explain shows the path of the first query.
func explain(out *program.Output, r *result) {
	if isModel(r.name) {
		out.Detail("\n%s: a model, which shows no path", r.name)
		return
	}
	if len(r.searches) == 0 {
		out.Detail("\n%s: no query was asked whose path could be shown", r.name)
		return
	}
	s := r.searches[0]
	out.Detail("\n%s: peer %d asks for %s", r.name, s.Asker, wanted(s.Query))
	walks := 0
	for _, m := range s.Path {
		if m.Walk != 0 || m.Kind != wire.KindQuery {
			walks++
		}
	}
	floods := len(s.Path) - walks
	if floods > 0 {
		explainFlood(out, s)
	}
	shown, begun := 0, 0
	for _, m := range s.Path {
		if floods > 0 && (m.Kind == wire.KindQuery && m.Walk == 0) {
			continue
		}
		if shown++; shown > mostShown {
			out.Detail("  and %d more", walks-mostShown)
			break
		}
		if m.Attempt > begun && m.Attempt <= overlay.MaxAttempts {
			begun = m.Attempt
			out.Print("attempt", program.Fields{"strategy": r.name, "at_ms": milliseconds(m.At), "attempt": begun},
				"  attempt %d begins at peer %d", begun, s.Asker)
		}
		explainMove(out, r.name, m)
	}
	explainSteps(out, r.name, s)
	explainEnd(out, r.name, s)
}

// wanted says what a query looks for.
func wanted(q *wire.Query) string {
	if q.Key != "" {
		return fmt.Sprintf("the key %q", q.Key)
	}
	return fmt.Sprintf("the words %q", strings.Join(q.Words, " "))
}

func explainMove(out *program.Output, name string, m sim.Move) {
	f := program.Fields{
		"strategy": name, "at_ms": milliseconds(m.At), "from": m.From, "to": m.To, "what": what(m), "hops": m.Hops, "attempt": m.Attempt,
		"dialled": m.Dialled, "missed": m.Missed, "hostile": m.Hostile,
	}
	note := ""
	if m.Dialled {
		note += " (dialled, for there is no link)"
	}
	if m.Missed {
		note += " (nobody is there)"
	}
	if m.Hostile {
		note += " (hostile)"
	}
	out.Print("move", f, "%8.1f ms  %6d -> %-6d  %s%s", milliseconds(m.At), m.From, m.To, what(m), note)
}

// what says what a message is.
func what(m sim.Move) string {
	switch m.Kind {
	case wire.KindHit:
		return program.Count(m.Found, "result")
	case wire.KindAck:
		if m.Found > 0 {
			return "taken, with " + program.Count(m.Found, "result")
		}
		return "taken"
	case wire.KindReport:
		return fmt.Sprintf("report after %s", program.Count(m.Hops, "hop"))
	}
	var kind string
	switch m.Walk {
	case 0:
		kind = "query"
	case wire.WalkProbe:
		kind = "probe"
	case wire.WalkGuided:
		kind = "scout"
	case wire.WalkSurvey:
		kind = "survey"
	case wire.WalkRandom:
		kind = "random walk"
	default:
		kind = "walk"
	}
	if m.Target >= 0 && m.Target != m.To {
		kind += fmt.Sprintf(" on its way to %d, whose summary matches", m.Target)
	} else if m.Target >= 0 {
		kind += ", for its summary matches"
	}
	return fmt.Sprintf("%s (%s, hop %d)", kind, attempt(m.Attempt), m.Hops+1)
}

// attempt says to which of a search's attempts a message belongs: the probes that a walk
// sends out on its way have numbers of their own, above all attempts.
func attempt(number int) string {
	if number > overlay.MaxAttempts {
		return fmt.Sprintf("aside of attempt %d", number-overlay.MaxAttempts-1)
	}
	return fmt.Sprintf("attempt %d", number)
}

// explainFlood shows how many messages went how far, and to how many peers that had
// not had the query.
func explainFlood(out *program.Output, s *sim.Search) {
	type ring struct {
		messages, fresh, missed int
	}
	var rings []ring
	seen := map[int]bool{s.Asker: true}
	for _, m := range s.Path {
		if m.Kind != wire.KindQuery || m.Walk != 0 {
			continue
		}
		for len(rings) <= m.Hops {
			rings = append(rings, ring{})
		}
		r := &rings[m.Hops]
		r.messages++
		switch {
		case m.Missed:
			r.missed++
		case !seen[m.To]:
			seen[m.To] = true
			r.fresh++
		}
	}
	for hop, r := range rings {
		out.Print("hop", program.Fields{
			"strategy": s.Strategy.String(), "hop": hop + 1, "messages": r.messages, "reached": r.fresh, "missed": r.missed,
		}, "  hop %d: %s, to %s that had not had it, %d to nobody", hop+1, program.Count(r.messages, "message"), program.Count(r.fresh, "peer"), r.missed)
	}
}

// explainSteps shows what the peers on the way did, as they told it. To a person those
// that did nothing but pass it on are not shown.
func explainSteps(out *program.Output, name string, s *sim.Search) {
	for _, step := range s.Tally.Trace {
		if at := sim.NodeOf(step.Peer); at == s.Asker {
			out.Print("walk", program.Fields{"strategy": name, "peer": at}, "  another walk, from peer %d:", at)
			continue
		}
		if !out.JSON() && step.Known == 0 && step.Found == 0 && step.Lost == 0 {
			continue
		}
		at := sim.NodeOf(step.Peer)
		tested := ""
		if step.Known > 0 {
			tested = fmt.Sprintf("%d of %d summaries matched, ", step.Matched, step.Known)
		}
		if step.Lost > 0 {
			tested += fmt.Sprintf("%s tried in vain, ", program.Count(int(step.Lost), "next hop"))
		}
		out.Print("step", program.Fields{
			"strategy": name, "peer": at, "summaries": step.Known, "matched": step.Matched, "found": step.Found, "lost": step.Lost,
		}, "  peer %d: %s%s", at, tested, program.Count(int(step.Found), "result"))
	}
}

func explainEnd(out *program.Output, name string, s *sim.Search) {
	f := program.Fields{
		"strategy": name, "messages": s.Messages, "visited": s.Visited(), "false_hits": s.False, "found": s.Succeeded(),
	}
	if !s.Succeeded() {
		out.Print("end", f, "  nothing was found, with %s to %s", program.Count(s.Messages, "message"), program.Count(s.Visited()-1, "peer"))
		return
	}
	hit := s.Hits[0]
	f["holder"], f["took_ms"], f["hops"] = hit.Holder, milliseconds(hit.After), hit.Hops
	out.Print("end", f, "  peer %d has it, %s away: found after %.1f ms with %s", hit.Holder, program.Count(hit.Hops, "hop"),
		milliseconds(hit.After), program.Count(s.Messages, "message"))
}
