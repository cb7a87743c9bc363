package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

// print prints the JSON object of a result; a person gets the table.
func (r *result) print(out *program.Output) {
	if !out.JSON() {
		return
	}
	c := r.flags
	f := program.Fields{
		"strategy": r.name, "peers": c.Peers, "degree": c.Degree, "replicas": c.Replicas, "keys": c.Keys,
		"words": c.Words, "dead": c.Dead, "hostile": c.Hostile, "loss": c.Loss, "changing": c.Changing,
		"session_s": c.Session.Seconds(), "seed": c.Seed, "absent": c.Absent, "queries": r.asked,
		"success":       r.success(),
		"messages_mean": r.mean(), "messages_p50": percentile(r.messages, 0.5), "messages_p95": percentile(r.messages, 0.95),
		"hops_mean":      r.hops,
		"latency_ms_p50": milliseconds(percentile(r.latencies, 0.5)), "latency_ms_p95": milliseconds(percentile(r.latencies, 0.95)),
		"visited_mean": r.visited, "false_hits": r.falseHits,
		"state_bytes_mean": r.network.state, "origins_mean": r.network.origins,
		"upkeep_bytes_per_s": r.network.upkeep,
		"wall_s":             r.wall.Seconds(),
	}
	if c.Absent {
		f["coverage_estimated"], f["coverage_true"], f["coverage_unsure"] = r.estimated, r.covered, r.unsure
		if r.unsure == r.asked {
			f["coverage_estimated"] = nil
		}
	}
	if r.asked == 0 {
		f["success"], f["messages_mean"], f["messages_p50"], f["messages_p95"] = nil, nil, nil, nil
	}
	if isModel(r.name) { // the model has neither
		f["state_bytes_mean"], f["upkeep_bytes_per_s"], f["origins_mean"], f["hops_mean"] = nil, nil, nil, nil
	}
	out.Print("result", f, "")
}

// table returns the lines of the results side by side.
func table(c *cli, results []*result) []string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n", setting(c))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "strategy\tsuccess\tmessages\tp50\tp95\thops\tfirst hit\tp95\tstate\tupkeep\t")
	if c.Absent {
		fmt.Fprint(w, "searched\tin truth\t")
	}
	fmt.Fprintln(w, "took\t")
	for _, r := range results {
		success := "-" // nobody could
		if !c.Absent && r.asked > 0 {
			success = fmt.Sprintf("%.1f %%", 100*r.success())
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t", r.name, success, r.cost())
		if isModel(r.name) {
			fmt.Fprintf(w, "-\t%s\t-\t-\t", r.latency())
		} else {
			fmt.Fprintf(w, "%s\t%s\t%.0f KiB\t%.0f B/s\t", r.distance(), r.latency(), r.network.state/1024, r.network.upkeep)
		}
		if c.Absent {
			fmt.Fprintf(w, "%s\t%.1f %%\t", r.searched(), 100*r.covered)
		}
		fmt.Fprintf(w, "%.0f s\t\n", r.wall.Seconds())
	}
	_ = w.Flush() // to memory
	for _, r := range results {
		if r.unsure > 0 {
			fmt.Fprintf(&b, "\n%s: %d of %s cannot say which share of the network they searched", r.name, r.unsure, queries(r.asked))
		}
		if r.falseHits > 0 {
			fmt.Fprintf(&b, "\n%s: %s seen through and not counted", r.name, program.Count(r.falseHits, "false hit"))
		}
		if isModel(r.name) {
			until := "first record found"
			if r.name == kademliaConfirmed {
				until = "until a provider that the record names has answered"
			}
			fmt.Fprintf(&b, "\n%s is an idealised model over the same latencies: full buckets, alpha 3, %s", r.name, until)
			if c.Words > 0 || c.Hostile > 0 || c.Loss > 0 || c.Session > 0 || c.Changing > 0 {
				fmt.Fprint(&b, "\nit looks up exact keys all the same, among honest peers that stay, and nothing is lost")
			}
		}
		if r.asked < c.Queries {
			fmt.Fprintf(&b, "\n%s: %d of %s asked, for nobody live has what the others look for", r.name, r.asked, queries(c.Queries))
		}
	}
	return strings.Split(strings.TrimRight(b.String(), "\n"), "\n")
}

// cost is what the queries sent.
func (r *result) cost() string {
	if r.asked == 0 {
		return "-\t-\t-"
	}
	return fmt.Sprintf("%.1f\t%d\t%d", r.mean(), percentile(r.messages, 0.5), percentile(r.messages, 0.95))
}

func (r *result) latency() string {
	if len(r.latencies) == 0 {
		return "-\t-"
	}
	return fmt.Sprintf("%.0f ms\t%.0f ms", milliseconds(percentile(r.latencies, 0.5)), milliseconds(percentile(r.latencies, 0.95)))
}

// distance is that of the first hits.
func (r *result) distance() string {
	if r.succeeded == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f", r.hops)
}

// searched is which share of the network the searches say that they searched.
func (r *result) searched() string {
	if r.unsure == r.asked {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*r.estimated)
}

func queries(n int) string { return program.Count(n, "query") }

// setting says in words what was simulated.
func setting(c *cli) string {
	parts := []string{
		fmt.Sprintf("%d peers of degree %d, %s each", c.Peers, c.Degree, program.Count(c.Keys, "entry")),
	}
	switch {
	case c.Absent:
		parts = append(parts, queries(c.Queries)+" for what nobody has")
	case c.Words > 0:
		parts = append(parts, fmt.Sprintf("%s of %s for names at %s", queries(c.Queries), program.Count(c.Words, "word"), program.Count(c.Replicas, "peer")))
	default:
		parts = append(parts, fmt.Sprintf("%s for keys at %s", queries(c.Queries), program.Count(c.Replicas, "peer")))
	}
	for _, s := range []struct {
		share float64
		what  string
	}{
		{c.Dead, "gone at once"},
		{c.Hostile, "hostile"},
		{c.Loss, "of messages lost"},
		{c.Changing, "of keys replaced a minute"},
	} {
		if s.share > 0 {
			parts = append(parts, fmt.Sprintf("%.3g %% %s", 100*s.share, s.what))
		}
	}
	if c.Session > 0 {
		parts = append(parts, fmt.Sprintf("sessions of %v in the median", c.Session))
	}
	return strings.Join(append(parts, fmt.Sprintf("seed %d", c.Seed)), ", ")
}
