package program

import (
	"fmt"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// A program that only asks does not trouble a person with where it is, and says what to do
// about a node that is alone.
func TestAsker(t *testing.T) {
	clearEnv(t)
	_, server := startServer(t)
	dead := strings.Replace(addrA, "/4001/", "/1/", 1)
	for _, c := range []struct {
		name   string
		args   []string
		shown  string // of itself
		advice string
	}{
		{"nothing given", nil, "", "enter one with --bootstrap or --peer"},
		{"alone", []string{"--bootstrap", server}, "", "nobody else is online: try again when somebody is"},
		{"dead server", []string{"--bootstrap", dead}, "", "nobody could be reached"},
		{"dead peer", []string{"--peer", dead}, "", "nobody could be reached"},
		{"verbose", []string{"-v"}, "  at " + strings.TrimSuffix(loopback, "0"), "enter one"},
		{"json", []string{"--json"}, `"addrs":["` + strings.TrimSuffix(loopback, "0"), "enter one"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var advice, other error
			cli := &joinCLI{asks: true, peer: func(p *Peer) {
				advice = p.Advise(fmt.Errorf("search: %w", p2p.ErrNoNeighbours))
				other = p.Advise(p2p.ErrClosed)
			}}
			code, stdout, stderr := runTest(t, t.Context(), cli, append(c.args, "--data", t.TempDir(), "--listen="+loopback)...)
			if code != ExitOK || advice == nil || !strings.Contains(advice.Error(), c.advice) || other != p2p.ErrClosed {
				t.Errorf("code %d, %v, %v: %s", code, advice, other, stderr)
			}
			if strings.Contains(stdout, "this is") != (c.name == "verbose") || !strings.Contains(stdout, c.shown) {
				t.Errorf("shown: %s", stdout)
			}
		})
	}
}
