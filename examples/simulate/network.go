package main

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/sim"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// The stages of a simulation, in virtual time.
const (
	joinEach  = 2 * time.Millisecond // between two peers that enter
	joinMost  = time.Minute          // until all have, however many they are
	settle    = 15 * time.Second     // until views are full
	shareOver = 10 * time.Second     // until all have begun to share
	spread    = 15 * time.Second     // until summaries are where they belong
	measured  = 30 * time.Second     // of upkeep: a shuffle of each peer
	// askOver is when the queries are asked after some peers died: before anybody
	// can have noticed, for that takes 6 s.
	askOver = 3 * time.Second
	// askEach is the time between two queries where nothing happens to the peers.
	askEach = 20 * time.Millisecond
	// askChurn is how long queries are asked while peers come and go.
	askChurn = 10 * time.Minute
	step     = time.Second // between two looks at whether to go on
)

// Limits of the rate of queries are those of people: here, far more are asked at once.
const (
	queryRate  = 1_000
	queryBurst = 50_000
)

// spare is how many times more there is to look for than there are queries: some has
// no live holder.
const spare = 3

// network is a simulated network and the way to it.
type network struct {
	*sim.Network
	flags    *cli
	contents *sim.Contents
	rng      *rand.Rand
	out      *program.Output
	name     string
	upkeep   float64
	origins  float64
	state    float64
}

// grow has the peers enter, share what they have, and come to rest. Strategies that
// look at no summaries do without.
func grow(ctx context.Context, out *program.Output, c *cli, name string, summaries bool) (*network, error) {
	cfg := sim.DefaultConfig()
	cfg.Seed, cfg.Loss = c.Seed, c.Loss
	cfg.Overlay.Degree = c.Degree
	cfg.Overlay.QueryRate, cfg.Overlay.QueryBurst = queryRate, queryBurst
	cfg.Contents = sim.NewContents(sim.ContentsConfig{
		Seed: c.Seed, Peers: c.Peers, Entries: c.Keys, Wanted: spare * c.Queries,
		Replicas: c.Replicas, Words: c.Words, Absent: c.Absent,
	})
	net, err := sim.New(cfg)
	if err != nil {
		return nil, err
	}
	n := &network{
		Network: net, flags: c, contents: cfg.Contents, out: out, name: name,
		rng: rand.New(rand.NewPCG(c.Seed, math.MaxUint64)),
	}
	join := min(joinEach*time.Duration(c.Peers), joinMost)
	n.Grow(min(c.Peers, overlay.JoinSeeds), 0)
	n.Run(step)
	n.Arrive(c.Peers-min(c.Peers, overlay.JoinSeeds), join)
	if err := n.pass(ctx, "joining", join+settle); err != nil {
		return nil, err
	}
	n.Corrupt(c.Hostile)
	if summaries {
		n.ShareAll(shareOver)
		if err := n.pass(ctx, "spreading summaries", shareOver+spread); err != nil {
			return nil, err
		}
	}
	n.disturb()
	if c.Session > 0 {
		if err := n.pass(ctx, "coming and going", c.Warm); err != nil {
			return nil, err
		}
	}
	upkeep := measured
	if c.Changing > 0 { // summaries of what changes all the time go out once a minute
		upkeep = time.Minute
		if err := n.pass(ctx, "changing keys", upkeep); err != nil {
			return nil, err
		}
	}
	n.MeasureUpkeep()
	if err := n.pass(ctx, "measuring upkeep", upkeep); err != nil {
		return nil, err
	}
	n.upkeep = n.Upkeep()
	n.origins, n.state = n.State()
	return n, nil
}

// disturb begins what goes on all the while.
func (n *network) disturb() {
	c, long := n.flags, n.flags.Warm+2*time.Minute+askChurn+overlay.AskWithin
	if c.Session > 0 {
		mean := time.Duration(float64(c.Session) / math.Ln2) // of an exponential distribution
		n.Churn(long, mean, polite)
	}
	if c.Changing > 0 {
		n.Change(long, c.Changing)
	}
}

// polite is the share of the peers that say goodbye when they leave: a guess.
const polite = 0.5

// pass lets time go by, and shows how much is left of it.
func (n *network) pass(ctx context.Context, what string, d time.Duration) error {
	bar := n.out.Steps(n.name+": "+what, int64(d/step))
	defer bar.Done()
	for d > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n.Run(min(step, d))
		d -= step
		bar.Add(1)
	}
	return nil
}

// ask asks the queries, one after the other within a time, and waits for what comes.
func (n *network) ask(ctx context.Context, s overlay.Strategy) ([]*sim.Search, error) {
	c := n.flags
	over := askEach * time.Duration(c.Queries)
	switch {
	case c.Session > 0:
		over = askChurn
	case c.Dead > 0:
		over = askOver
		n.Kill(n.Some(c.Dead)...)
	}
	var searches []*sim.Search
	next := 0
	for i := range c.Queries {
		n.After(over*time.Duration(i)/time.Duration(c.Queries), func() {
			q, at := n.askable(&next)
			if q == nil {
				return
			}
			how := sim.AskOptions{Strategy: s, TTL: uint8(c.TTL)}
			if len(searches) == 0 && c.Explain {
				traced := *q
				traced.Trace = true
				q, how.Record = &traced, true
			}
			searches = append(searches, n.Ask(at, q, how))
		})
	}
	if err := n.pass(ctx, "asking", over); err != nil {
		return nil, err
	}
	bar := n.out.Steps(n.name+": waiting for the last answers", -1)
	defer bar.Done()
	for slices.ContainsFunc(searches, func(s *sim.Search) bool { return !s.Over() }) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		n.Run(step)
		bar.Add(1)
	}
	return searches, nil
}

// askable returns the next query that somebody can answer, or one of those that nobody
// ever can, and an honest peer that asks it and has not what it asks for.
func (n *network) askable(next *int) (*wire.Query, int) {
	for ; *next < spare*n.flags.Queries; *next++ {
		holders := n.Holders(*next)
		if len(holders) == 0 && !n.flags.Absent {
			continue
		}
		q := n.contents.Query(*next)
		*next++
		return q, n.asker(holders)
	}
	return nil, -1
}

// asker returns a random honest peer that is not among the holders.
func (n *network) asker(holders []int) int {
	live := n.Live()
	for range 100 * len(live) {
		at := live[n.rng.IntN(len(live))]
		if !n.Hostile(at) && !slices.Contains(holders, at) {
			return at
		}
	}
	return live[0] // everybody has it
}
