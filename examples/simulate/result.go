package main

import (
	"context"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/sim"
)

// result is what the queries of one strategy came to.
type result struct {
	name      string
	flags     *cli
	network   *network
	searches  []*sim.Search // none of the model's
	asked     int
	succeeded int
	messages  []int           // of each query, ascending
	latencies []time.Duration // until the first hit, of those that had one, ascending
	hops      float64
	visited   float64 // peers
	falseHits int
	covered   float64 // share of the network that was searched, as the simulator sees it
	estimated float64 // the same, as the searches themselves say
	unsure    int     // searches that do not say it
	wall      time.Duration
}

func simulate(ctx context.Context, out *program.Output, c *cli, name string) (*result, error) {
	start := time.Now()
	r := &result{name: name, flags: c}
	var err error
	if isModel(name) {
		err = r.runKademlia(ctx, out)
	} else {
		err = r.run(ctx, out, overlay.Strategy(slices.Index(strategyNames(), name)))
	}
	slices.Sort(r.messages)
	slices.Sort(r.latencies)
	r.wall = time.Since(start)
	return r, err
}

func (r *result) run(ctx context.Context, out *program.Output, s overlay.Strategy) (err error) {
	summaries := s == overlay.Guided || s == overlay.Exhaustive
	if r.network, err = grow(ctx, out, r.flags, r.name, summaries); err != nil {
		return err
	}
	if r.searches, err = r.network.ask(ctx, s); err != nil {
		return err
	}
	r.asked = len(r.searches)
	for _, s := range r.searches {
		r.messages = append(r.messages, s.Messages)
		r.visited += float64(s.Visited()) / float64(r.asked)
		r.falseHits += s.False
		if s.Succeeded() {
			r.succeeded++
			r.latencies = append(r.latencies, s.Took)
			r.hops += float64(s.Hits[0].Hops)
		}
		if r.flags.Absent {
			r.covered += s.Coverage() / float64(r.asked)
			if s.Tally.Known == 0 {
				r.unsure++
				continue
			}
			r.estimated += 1 - float64(s.Tally.Fresh)/float64(s.Tally.Known)
		}
	}
	r.estimated /= float64(max(1, r.asked-r.unsure))
	r.hops /= float64(max(1, r.succeeded))
	return nil
}

// runKademlia looks the same up in a model. It has no upkeep and no state.
func (r *result) runKademlia(ctx context.Context, out *program.Output) (err error) {
	if r.network, err = grow(ctx, out, r.flags, r.name, false); err != nil {
		return err
	}
	n := r.network
	model := sim.NewKademlia(n.Network)
	providers := make([][]int, spare*r.flags.Queries) // that the records name, whoever dies
	for i := range providers {
		providers[i] = n.Holders(i)
	}
	n.Kill(n.Some(r.flags.Dead)...)
	for next := 0; r.asked < r.flags.Queries; r.asked++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		q, at := n.askable(&next)
		if q == nil {
			break
		}
		var found sim.Lookup
		if r.name == kademliaConfirmed {
			found = model.Confirmed(at, keyOf(r.asked), providers[next-1])
		} else {
			found = model.Find(at, keyOf(r.asked))
		}
		r.messages = append(r.messages, found.Messages)
		if found.Found {
			r.succeeded++
			r.latencies = append(r.latencies, found.Took)
		}
	}
	return nil
}

// keyOf returns where in the model's key space a query is looked for.
func keyOf(query int) uint64 {
	h := fnv.New64a()
	h.Write([]byte(strconv.Itoa(query)))
	return h.Sum64()
}

// success is the share of the queries that were answered, though somebody could have.
func (r *result) success() float64 { return float64(r.succeeded) / float64(max(1, r.asked)) }

func (r *result) mean() float64 {
	sum := 0
	for _, n := range r.messages {
		sum += n
	}
	return float64(sum) / float64(max(1, len(r.messages)))
}

// percentile returns what a share of the sorted values is at most; 0 without any.
func percentile[T int | time.Duration](sorted []T, share float64) T {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
