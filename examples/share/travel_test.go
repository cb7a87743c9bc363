package main

import (
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// TestStep: of what a peer did only that is said which there was.
func TestStep(t *testing.T) {
	for _, c := range []struct {
		step p2p.Step
		says string
	}{
		{p2p.Step{}, "  passed it on"},
		{p2p.Step{Peer: "asker"}, "another walk:"},
		{p2p.Step{Found: 2}, "  had 2 itself"},
		{p2p.Step{Known: 1}, "  knew 1 summary, 0 of them matched"},
		{p2p.Step{Known: 9, Matched: 1, Found: 1, Lost: 1}, "  knew 9 summaries, 1 of them matched, had 1 itself, 1 peer did not answer it"},
	} {
		if got := step(c.step, "asker"); !strings.HasSuffix(got, c.says) || strings.Count(got, ",") != strings.Count(c.says, ",") {
			t.Errorf("%+v: %q, want %q", c.step, got, c.says)
		}
	}
}
