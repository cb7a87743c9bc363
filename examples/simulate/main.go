// Simulate runs the overlay of thousands of peers in one process, in virtual time and
// with the code that real nodes run, and measures what queries cost and find.
//
//	simulate                                         1,000 peers and the default strategy
//	simulate --strategy all --dead 0.3               all strategies side by side
//	simulate --peers 10000 --hostile 0.3 --json      one JSON object a strategy
//	simulate --explain --overlay overlay.svg --peers 200
//
// The same seed gives the same figures.
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/overlay"
)

type cli struct {
	program.Shell
	Peers    int           `help:"Peers of the network." default:"1000"`
	Degree   int           `help:"Neighbours that each peer seeks." default:"24"`
	Replicas int           `help:"Peers that have what a query looks for." default:"3"`
	Keys     int           `help:"Entries that each peer shares." default:"1000"`
	Strategy []string      `help:"How queries travel: guided, exhaustive, flood, expanding-ring, random-walk, several of them, or all. And kademlia and kademlia-confirmed, models to compare with." default:"guided" placeholder:"NAME"`
	TTL      int           `help:"Links that a flood goes (default: 7)." name:"ttl" placeholder:"N"`
	Words    int           `help:"Ask for so many words of a name, at most 3, in place of an exact key." placeholder:"N"`
	Absent   bool          `help:"Ask for what nobody has, and show which share of the network was searched."`
	Dead     float64       `help:"Share of the peers that die at once before the queries are asked." placeholder:"SHARE"`
	Hostile  float64       `help:"Share of the peers that drop what they should carry and answer falsely." placeholder:"SHARE"`
	Loss     float64       `help:"Share of the messages that vanish." placeholder:"SHARE"`
	Session  time.Duration `help:"Median time that peers stay; as many come as go, all the while." placeholder:"TIME"`
	Warm     time.Duration `help:"How long peers have come and gone before the queries are asked." default:"10m"`
	Changing float64       `help:"Share of its keys that each peer replaces a minute." placeholder:"SHARE"`
	Queries  int           `help:"Queries to ask, each from another peer and for something else." default:"300"`
	Seed     uint64        `help:"Seed of all that is random." default:"1"`
	Explain  bool          `help:"Show the path that the first query took, hop by hop."`
	Plot     string        `help:"Draw the distribution of messages per query into this file (.svg or .png)." placeholder:"FILE" type:"path"`
	Overlay  string        `help:"Draw the overlay of at most 500 peers into this file (.svg or .png)." placeholder:"FILE" type:"path"`
}

// Limits of what is simulated.
const (
	mostPeers = 1_000_000 // some 60 GiB at degree 12
	mostDrawn = 500       // peers: more are a blot
	mostWords = 3         // of a made-up name
	mostLoss  = 0.5
	mostKeys  = 20_000 // entries, which fill the largest summary
)

// gcPercent keeps the memory for garbage small: nearly all of the heap are the peers,
// which live as long as the program.
const gcPercent = 40

func main() {
	debug.SetGCPercent(gcPercent)
	program.Main("simulate", "Simulate a network of many peers, and measure its queries.", &cli{})
}

// strategyNames lists what --strategy takes.
func strategyNames() []string {
	var names []string
	for s := overlay.Guided; s.String() != "unknown"; s++ {
		names = append(names, s.String())
	}
	return append(names, kademlia, kademliaConfirmed)
}

// No strategies of the overlay but models of what it is compared with: the first ends
// when a record is found, the second when a provider that it names has answered.
const (
	kademlia          = "kademlia"
	kademliaConfirmed = "kademlia-confirmed"
)

func isModel(name string) bool { return name == kademlia || name == kademliaConfirmed }

// strategies returns the names asked for, each once.
func (c *cli) strategies() []string {
	if slices.Contains(c.Strategy, "all") {
		return slices.DeleteFunc(strategyNames(), func(name string) bool { return c.Absent && isModel(name) })
	}
	var names []string
	for _, name := range c.Strategy {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// Validate is called by kong before Run.
func (c *cli) Validate() error {
	if len(c.Strategy) == 0 {
		return fmt.Errorf("--strategy: name one of %s, or all", strings.Join(strategyNames(), ", "))
	}
	for _, name := range c.Strategy {
		if name != "all" && !slices.Contains(strategyNames(), name) {
			return fmt.Errorf("--strategy: there is no %q; there are %s, and all", name, strings.Join(strategyNames(), ", "))
		}
	}
	for _, n := range []struct {
		flag               string
		value, least, most int
	}{
		{"--peers", c.Peers, 10, mostPeers},
		{"--degree", c.Degree, 1, overlay.MaxRelays},
		{"--replicas", c.Replicas, 1, c.Peers},
		{"--keys", c.Keys, 1, mostKeys},
		{"--ttl", c.TTL, 0, overlay.MaxTTL},
		{"--words", c.Words, 0, mostWords},
		{"--queries", c.Queries, 1, 1_000_000},
	} {
		if n.value < n.least || n.value > n.most {
			return fmt.Errorf("%s: %d is not from %d to %d", n.flag, n.value, n.least, n.most)
		}
	}
	for _, s := range []struct {
		flag        string
		value, most float64
	}{
		{"--dead", c.Dead, 0.95},
		{"--hostile", c.Hostile, 0.95},
		{"--loss", c.Loss, mostLoss},
		{"--changing", c.Changing, 1},
	} {
		if !(s.value >= 0 && s.value <= s.most) {
			return fmt.Errorf("%s: %v is not a share from 0 to %v", s.flag, s.value, s.most)
		}
	}
	switch {
	case c.Absent && slices.ContainsFunc(c.Strategy, isModel):
		return fmt.Errorf("--absent: the model of %s knows only records that are there", kademlia)
	case c.Dead+c.Hostile > 0.95:
		return fmt.Errorf("--dead and --hostile: too few peers are left to ask")
	case c.Session < 0 || c.Session > 0 && c.Session < time.Minute:
		return fmt.Errorf("--session: %v is not a minute or more", c.Session)
	case c.Warm < 0:
		return fmt.Errorf("--warm: %v is below zero", c.Warm)
	case c.Overlay != "" && c.Peers > mostDrawn:
		return fmt.Errorf("--overlay: a drawing of %d peers shows nothing; it takes at most --peers %d", c.Peers, mostDrawn)
	}
	for flag, file := range map[string]string{"--plot": c.Plot, "--overlay": c.Overlay} {
		if end := strings.ToLower(filepath.Ext(file)); file != "" && end != ".svg" && end != ".png" {
			return fmt.Errorf("%s: %q ends neither in .svg nor in .png", flag, file)
		}
		if _, err := os.Stat(filepath.Dir(file)); file != "" && err != nil {
			return fmt.Errorf("%s: %w", flag, err)
		}
	}
	return nil
}

// Run simulates one network for each strategy: what one did to it is not to change
// what the next one finds.
func (c *cli) Run(ctx context.Context, out *program.Output) error {
	var results []*result
	for _, name := range c.strategies() {
		r, err := simulate(ctx, out, c, name)
		if err != nil {
			return fmt.Errorf("simulate %s: %w", name, err)
		}
		r.print(out)
		results = append(results, r)
	}
	if !out.JSON() {
		for _, line := range table(c, results) {
			out.Detail("%s", line)
		}
	}
	if c.Explain {
		for _, r := range results {
			explain(out, r)
		}
	}
	if c.Plot != "" {
		if err := plotMessages(c.Plot, c, results); err != nil {
			return fmt.Errorf("draw the messages per query: %w", err)
		}
	}
	if c.Overlay != "" {
		if err := drawOverlay(c.Overlay, results[0]); err != nil {
			return fmt.Errorf("draw the overlay: %w", err)
		}
	}
	return nil
}
