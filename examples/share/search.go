package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
	"github.com/grapevine-p2p/grapevine/p2p"
)

type searchCmd struct {
	groupFlag
	travel
	Words []string `arg:"" help:"Words that a file's name has, or its folders', in any order."`
	Max   int      `help:"Hits to wait for, at most 200." default:"50"`
}

var errNothing = errors.New("nothing found")

// Validate is called by kong.
func (s *searchCmd) Validate() error {
	if s.Max < 1 || s.Max > maxFound {
		return fmt.Errorf("--max: want 1 to %d", maxFound)
	}
	return s.check(s.Words)
}

func (s *searchCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	group, err := s.load()
	if err != nil {
		return err
	}
	query, report, err := s.apply(p2p.Query{Words: group.ask(s.Words), Max: s.Max})
	if err != nil {
		return err
	}
	return c.with(ctx, out, askerFolder, func(peer *program.Peer) error {
		started := time.Now()
		var all results
		for hit, err := range peer.Node.Query(ctx, query) {
			if err != nil {
				return err
			}
			l, err := group.listing(hit)
			if err != nil {
				c.Logger().Info("an answer is left out", "peer", hit.From.ID, "error", err)
				peer.Node.Reject(hit)
				continue
			}
			all.add(l, hit)
			showHit(out, l, hit)
			s.explain(out, peer.Node.ID(), hit.Path)
		}
		if len(all.all) > 0 {
			out.Detail("")
		}
		all.show(out)
		s.conclude(out, peer.Node.ID(), &all, report, time.Since(started))
		if len(all.all) == 0 {
			return fmt.Errorf("search for %q: %w", strings.Join(s.Words, " "), errNothing)
		}
		return nil
	})
}

// conclude prints what was found and what it cost; after a miss what that is worth.
func (s *searchCmd) conclude(out *program.Output, asker peer.ID, all *results, report *p2p.Report, took time.Duration) {
	if s.Explain && !out.JSON() && len(report.Path) > 0 {
		out.Detail("the way of the question:")
		s.explain(out, asker, report.Path)
	}
	fields := reported(report)
	maps.Copy(fields, program.Fields{
		"ok": len(all.all) > 0, "files": len(all.all), "holders": len(all.holders), "seconds": took.Seconds(),
	})
	out.Print("searched", fields, "%s from %s in %s; %s", program.Count(len(all.all), "file"), program.Count(len(all.holders), "holder"), program.Rounded(took), report)
}

// showHit prints a hit as it comes in.
func showHit(out *program.Output, l listing, hit p2p.Hit) {
	out.Print("hit", program.Fields{
		"id": l.ID.String(), "name": l.Name, "bytes": l.Size, "holder": hit.From.ID, "hops": hit.Hops,
		"rtt_ms": float64(hit.RTT.Microseconds()) / 1000, "path": steps(hit.Path),
	}, "%s  %s  %s  %s  %s", display.Line(l.Name), program.Size(l.Size), display.Fingerprint(hit.From.ID.String()), program.Count(hit.Hops, "hop"), program.Rounded(hit.RTT))
}

// show prints each content once, with what "share get" wants.
func (r *results) show(out *program.Output) {
	for _, f := range r.all {
		out.Print("file", program.Fields{
			"id": f.ID.String(), "name": f.Name, "names": f.names, "bytes": f.Size, "holders": f.holders,
		}, "%s  %s  %s\n  %s", display.Line(f.Name), program.Size(f.Size), program.Count(len(f.holders), "holder"), f.ID)
	}
}
