package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Pace is how requests follow each other.
type Pace struct {
	// For how long they are begun.
	For time.Duration
	// Rate is that of an open loop, in requests a second: each has its time, and its
	// latency is measured from then, whether or not the one before is answered. 0
	// means a closed loop: some ask as fast as they are answered.
	Rate float64
	// Workers is how many ask at once in a closed loop; 0 means the usual number.
	Workers int
}

// Timing is how a load was answered.
type Timing struct {
	Count         int // answered as they should be
	Failed        int
	Failure       string // of the first
	Took          time.Duration
	PerSecond     float64
	P50, P99, Max time.Duration
}

// drive lets members ask, each one request at a time, and measures the answers. Done
// counts them meanwhile. A member that has nothing more to ask reports spent.
func drive(ctx context.Context, members []*member, p Pace, done *atomic.Int64, ask func(*member) (spent bool, err error)) Timing {
	began := time.Now()
	ends := began.Add(p.For)
	n := len(members)
	if p.Rate == 0 {
		if n = p.Workers; n == 0 {
			n = workers
		}
		n = min(n, len(members))
	}
	tallies := make([]tally, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			t := &tallies[i]
			if p.Rate > 0 {
				t.scheduled(ctx, members[i], began, ends, i, n, p.Rate, done, ask)
				return
			}
			var mine []*member
			for j := i; j < len(members); j += n {
				mine = append(mine, members[j])
			}
			t.eager(ctx, mine, ends, done, ask)
		})
	}
	wg.Wait()
	return sum(tallies, time.Since(began))
}

// tally is what one worker saw.
type tally struct {
	took   []time.Duration
	failed int
	first  error
}

func (t *tally) note(took time.Duration, err error) {
	if err == nil {
		t.took = append(t.took, took)
		return
	}
	if t.failed++; t.first == nil {
		t.first = err
	}
}

// scheduled asks at the times that are the i-th of n's share of the rate.
func (t *tally) scheduled(ctx context.Context, m *member, began, ends time.Time, i, n int, rate float64, done *atomic.Int64, ask func(*member) (bool, error)) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for k := i; ; k += n {
		due := began.Add(time.Duration(float64(k) / rate * float64(time.Second)))
		if !due.Before(ends) {
			return
		}
		if wait := time.Until(due); wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		spent, err := ask(m)
		if spent || ctx.Err() != nil {
			return
		}
		t.note(time.Since(due), err)
		done.Add(1)
	}
}

// eager lets some members ask in turn without a pause.
func (t *tally) eager(ctx context.Context, mine []*member, ends time.Time, done *atomic.Int64, ask func(*member) (bool, error)) {
	for i := 0; len(mine) > 0; i++ {
		begun := time.Now()
		if !begun.Before(ends) || ctx.Err() != nil {
			return
		}
		i %= len(mine)
		spent, err := ask(mine[i])
		if spent {
			mine = slices.Delete(mine, i, i+1)
			i--
			continue
		}
		t.note(time.Since(begun), err)
		done.Add(1)
	}
}

func sum(tallies []tally, took time.Duration) Timing {
	var all []time.Duration
	var sum Timing
	for _, t := range tallies {
		all = append(all, t.took...)
		sum.Failed += t.failed
		if sum.Failure == "" && t.first != nil {
			sum.Failure = t.first.Error()
		}
	}
	slices.Sort(all)
	sum.Count, sum.Took = len(all), took
	sum.PerSecond = float64(len(all)) / took.Seconds()
	if len(all) > 0 {
		sum.P50, sum.P99, sum.Max = quantile(all, 0.5), quantile(all, 0.99), all[len(all)-1]
	}
	return sum
}

// quantile is that of sorted values.
func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
