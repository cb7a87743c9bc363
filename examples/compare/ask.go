package main

import (
	"context"
	"slices"
	"sync"
	"time"
)

// unheeded is a time in which no system has noticed yet that hosts died: the first
// to notice are pings, after six seconds.
const unheeded = 5 * time.Second

// answer is the outcome of one look-up.
type answer struct {
	began, took time.Duration
	found       bool
}

// ask begins the look-ups at the plan's rate, whatever becomes of the earlier ones.
func (t *trial) ask(into *phase, tasks []task, hosts int) error {
	answers := make([]answer, len(tasks))
	before := t.world.tally.byKind()
	u, err := t.during(func() error {
		began := time.Now()
		pace := time.NewTicker(time.Duration(float64(time.Second) / t.rate))
		defer pace.Stop()
		var wg sync.WaitGroup
		defer wg.Wait()
		for i, task := range tasks {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.ctx, t.patience)
				defer cancel()
				start := time.Now()
				found := t.system.lookup(ctx, task.asker, task.key)
				answers[i] = answer{start.Sub(began), time.Since(start), found}
			})
			select {
			case <-pace.C:
			case <-t.ctx.Done():
				return t.ctx.Err()
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	*into = t.summed(u, answers, hosts)
	into.Kinds = t.world.tally.byKind()
	for k, n := range before {
		if into.Kinds[k] -= n; into.Kinds[k] == 0 {
			delete(into.Kinds, k)
		}
	}
	t.say("%d look-ups: %.2f %% found, %.1f messages each", into.Lookups, 100*into.Success, into.Each.Messages)
	return nil
}

// summed makes one row of the table.
func (t *trial) summed(u usage, answers []answer, hosts int) phase {
	p := phase{Lookups: len(answers)}
	var times []time.Duration
	early := 0
	for _, a := range answers {
		if a.began < unheeded {
			p.Early++
		}
		if !a.found {
			continue
		}
		times = append(times, a.took)
		if a.began < unheeded {
			early++
		}
	}
	p.Success = float64(len(times)) / float64(len(answers))
	p.EarlySuccess = float64(early) / float64(max(1, p.Early))
	if slices.Sort(times); len(times) > 0 {
		p.P50, p.P95 = times[len(times)/2], times[len(times)*95/100]
	}
	_, cpu := t.over(u, hosts)
	each := float64(len(answers))
	p.Each = cost{
		Messages: float64(u.frames[query]) / each, Bytes: float64(u.bytes[query]) / each,
		CPU: time.Duration(float64(cpu) / each),
	}
	p.Conns = float64(u.conns) / each
	return p
}
