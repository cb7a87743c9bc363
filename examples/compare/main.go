// Compare puts Grapevine, go-libp2p-kad-dht and pubsub's floodsub on the same real
// libp2p hosts in one process, asks each the same look-ups, before and after some of
// the hosts die at once, and tells what that cost.
//
//	go run . --hosts 200 --lookups 1000 --systems guided,flood,kad3,kad10,floodsub
//
// It is a module of its own, so that importers of the library need no kad-dht.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// config is what the flags say.
type config struct {
	plan
	systems string
	json    bool
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	c := config{plan: plan{patience: 10 * time.Second}}
	f := flag.NewFlagSet("compare", flag.ContinueOnError)
	f.SetOutput(progress)
	f.IntVar(&c.hosts, "hosts", 200, "hosts of each system")
	f.IntVar(&c.lookups, "lookups", 1000, "keys, each published and looked up once before and once after the deaths")
	f.IntVar(&c.holders, "holders", 3, "holders of each key")
	f.IntVar(&c.newcomers, "newcomers", 10, "hosts that arrive and then vanish before the look-ups, to measure what that costs")
	f.Int64Var(&c.seed, "seed", 1, "draws identities, keys, holders, askers and who dies")
	f.Float64Var(&c.deaths, "deaths", 0.3, "share of the hosts that die at once")
	f.Float64Var(&c.rate, "rate", 8, "look-ups begun each second; a Grapevine link relays 10 queries/s")
	f.DurationVar(&c.oneWay, "latency", 20*time.Millisecond, "one-way latency of every connection")
	f.DurationVar(&c.watch, "watch", time.Minute, "how long each of idling, arrivals and departures is measured")
	f.StringVar(&c.systems, "systems", strings.Join(defaultSystems(), ","), "of "+strings.Join(systemNames(), ", "))
	f.BoolVar(&c.json, "json", false, "print JSON")
	if err := f.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(c.systems)
	if err != nil {
		return err
	}
	if err := c.check(); err != nil {
		return err
	}
	var results []result
	for _, s := range chosen {
		r, err := measure(ctx, s, c.plan, progress)
		if err != nil {
			return fmt.Errorf("measure %s: %w", s.name, err)
		}
		results = append(results, r)
	}
	if c.json {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return e.Encode(results)
	}
	return report(out, c.plan, results)
}
