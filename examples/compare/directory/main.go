// Directory measures a bootstrap server under load, on this machine and in one run:
// memory for each lease and each open connection, renewals and look-ups, what a
// hostile flood and ten thousand watchers do to them, and the same, where it can be
// compared, of go-libp2p-rendezvous. Each number stands beside its target.
//
//	go run ./directory
//	go run ./directory --only renewals,flood --json
//
// Server and load are processes of their own, which the program starts from itself.
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
	"slices"
	"strings"
	"time"
)

func main() {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(role); err != nil {
			fmt.Fprintf(os.Stderr, "directory %s: %v\n", role, err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "directory:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, progress io.Writer) error {
	p := full()
	var only string
	var asJSON bool
	f := flag.NewFlagSet("directory", flag.ContinueOnError)
	f.SetOutput(progress)
	f.IntVar(&p.leases, "leases", p.leases, "leases whose memory is measured")
	f.IntVar(&p.conns, "connections", p.conns, "open connections whose memory is measured")
	f.IntVar(&p.renewers, "renewers", p.renewers, "open connections that renew")
	f.Float64Var(&p.renewals, "renewals", p.renewals, "renewals a second of the open loop")
	f.Float64Var(&p.lookups, "lookups", p.lookups, "look-ups a second meanwhile")
	f.IntVar(&p.honest, "honest", p.honest, "honest peers of the flood")
	f.Float64Var(&p.normal, "normal", p.normal, "renewals a second of all honest peers; the flood is ten times as much")
	f.IntVar(&p.watchers, "watchers", p.watchers, "watchers of one server")
	f.Float64Var(&p.arrivals, "arrivals", p.arrivals, "names claimed a second while they watch")
	f.IntVar(&p.claimants, "claimants", p.claimants, "open connections that claim names, eight each")
	f.IntVar(&p.filled, "filled", p.filled, "registrations of the full table of the comparison")
	f.DurationVar(&p.period, "period", p.period, "how long each load lasts")
	f.DurationVar(&p.calm, "calm", p.calm, "how long names are claimed as on an ordinary day, with watchers and without")
	f.DurationVar(&p.siege, "siege", p.siege, "how long the flood lasts")
	f.StringVar(&p.profiles, "profiles", "", "folder for CPU and heap profiles of the server")
	f.StringVar(&only, "only", strings.Join(names(), ","), "what to measure")
	f.BoolVar(&asJSON, "json", false, "print JSON")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", f.Arg(0))
	}
	chosen := strings.Split(only, ",")
	for _, name := range chosen {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("--only: %q is none of %s", name, strings.Join(names(), ", "))
		}
	}
	if p.profiles != "" {
		if err := os.MkdirAll(p.profiles, 0o700); err != nil {
			return fmt.Errorf("--profiles: %w", err)
		}
	}
	r, failed := measure(ctx, p, chosen, progress)
	if asJSON {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		return errors.Join(failed, e.Encode(r))
	}
	return errors.Join(failed, r.print(out))
}

// measurements are all that can be measured, in the order in which they are.
var measurements = [...]struct {
	name string
	take func(*bench) error
}{
	{"leases", leases},
	{"renewals", renewals},
	{"connections", connections},
	{"flood", flood},
	{"watchers", watchers},
	{"rendezvous", comparison},
}

func names() []string {
	var all []string
	for _, m := range measurements {
		all = append(all, m.name)
	}
	return all
}

// measure takes the chosen measurements one after the other. When one fails the result
// is what those before it found.
func measure(ctx context.Context, p plan, chosen []string, progress io.Writer) (_ *result, failed error) {
	b := &bench{plan: p, ctx: ctx, progress: progress, result: &result{Machine: machine(), Began: time.Now()}}
	for _, m := range measurements {
		if !slices.Contains(chosen, m.name) {
			continue
		}
		b.part = m.name
		if err := m.take(b); err != nil {
			failed = fmt.Errorf("measure %s: %w", m.name, errors.Join(err, ctx.Err()))
			break
		}
	}
	b.result.LoadAfter = load()
	b.result.Took = time.Since(b.result.Began)
	return b.result, failed
}
