package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"
)

const (
	// publishTogether bounds the holders that publish at once.
	publishTogether = 32
	// quietTime without a message is the end of publishing.
	quietTime = 3 * time.Second
)

// trial is one system being measured.
type trial struct {
	plan
	ctx      context.Context
	progress io.Writer
	world    *world
	system   system
	idle     usage // of the whole system
	births   usage // of all keys
	result   result
}

// usage is what was used in a time.
type usage struct {
	traffic
	cpu   time.Duration
	conns int64
	took  time.Duration
}

// during measures what everything uses while f runs.
func (t *trial) during(f func() error) (usage, error) {
	runtime.GC()
	before, cpu, conns, began := t.world.tally.read(), spent(), t.world.conns.Load(), time.Now()
	err := f()
	return usage{t.world.tally.read().minus(before), spent() - cpu, t.world.conns.Load() - conns, time.Since(began)}, err
}

func (u usage) plus(v usage) usage {
	return usage{u.traffic.plus(v.traffic), u.cpu + v.cpu, u.conns + v.conns, u.took + v.took}
}

// measure builds a system and takes it through the plan.
func measure(ctx context.Context, c contestant, p plan, progress io.Writer) (_ result, err error) {
	t := &trial{plan: p, ctx: ctx, progress: progress, system: c.make(), result: result{System: c.name, About: c.about, Ours: c.ours, Renews: c.renews}}
	bare := heap()
	goroutines := runtime.NumGoroutine()
	if t.world, err = newWorld(p, &tally{purpose: c.purpose}); err != nil {
		return result{}, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	t.result.MostConns = t.world.most
	t.say("%s: %d hosts; joining", c.about, p.hosts)
	if err := t.system.start(ctx, t.world); err != nil {
		return result{}, err
	}
	t.world.fabric.SetLatency(2 * p.oneWay)
	tasks := p.tasks()
	for _, step := range []func() error{
		func() error { return t.publish(tasks) },
		func() error {
			t.result.State.HeapBytes = (heap() - bare) / int64(p.hosts)
			t.result.State.Goroutines = (runtime.NumGoroutine() - goroutines) / p.hosts
			for _, h := range t.world.hosts {
				t.result.State.Conns += float64(len(h.Network().Conns())) / float64(p.hosts)
			}
			return nil
		},
		t.wait, // for what follows on joining, such as trying the contacts that were heard of
		t.rest,
		t.churn,
		t.rest,
		t.price,
		t.maintain,
		func() error {
			return t.ask(&t.result.Before, tasks, p.hosts)
		},
		func() error {
			dead := p.dying()
			t.say("%d hosts die", len(dead))
			t.kill(dead)
			return t.ask(&t.result.After, p.survivors(tasks, dead), p.hosts-len(dead))
		},
	} {
		if err := step(); err != nil {
			return result{}, err
		}
	}
	return t.result, nil
}

func (t *trial) say(format string, args ...any) {
	fmt.Fprintf(t.progress, time.Now().Format("15:04:05 ")+format+"\n", args...)
}

func (t *trial) publish(tasks []task) error {
	held := make([][]key, t.hosts)
	for _, task := range tasks {
		for _, h := range task.holders {
			held[h] = append(held[h], task.key)
		}
	}
	var err error
	t.births, err = t.during(func() error {
		slots := make(chan struct{}, publishTogether)
		errs := make([]error, len(held))
		var wg sync.WaitGroup
		for holder, keys := range held {
			slots <- struct{}{}
			wg.Go(func() {
				errs[holder] = t.system.publish(t.ctx, holder, keys)
				<-slots
			})
		}
		wg.Wait()
		return errors.Join(append(errs, t.quiet())...)
	})
	t.say("published in %v", t.births.took.Round(time.Millisecond))
	return err
}

// price shares the cost of publishing, less that of idling, among the keys.
func (t *trial) price() error {
	each := float64(t.lookups * t.holders)
	_, cpu := t.over(t.births, t.hosts)
	t.result.Publish = cost{
		Messages: float64(t.births.frames[publishing]) / each, Bytes: float64(t.births.bytes[publishing]) / each,
		CPU: time.Duration(float64(max(0, cpu)) / each),
	}
	t.result.KeysPerNode = each / float64(t.hosts)
	t.say("publishing: %.1f messages a key and holder", t.result.Publish.Messages)
	return nil
}

// quiet waits until nothing more is published.
func (t *trial) quiet() error {
	for last := int64(-1); last < t.world.tally.frames[publishing].Load(); {
		last = t.world.tally.frames[publishing].Load()
		select {
		case <-time.After(quietTime):
		case <-t.ctx.Done():
			return t.ctx.Err()
		}
	}
	return nil
}

// wait lets the time to watch pass.
func (t *trial) wait() error {
	select {
	case <-time.After(t.watch):
		return nil
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
}

// rest measures what the system uses while nobody asks; a second time adds to the
// first, so that what is between them is compared with both.
func (t *trial) rest() error {
	u, err := t.during(t.wait)
	t.idle = t.idle.plus(u)
	t.result.IdleBytes = float64(t.idle.allBytes()-t.idle.bytes[publishing]) / t.idle.took.Seconds() / float64(t.hosts)
	t.result.IdleCPU = t.idle.cpu.Seconds() / t.idle.took.Seconds() / float64(t.hosts)
	t.say("idle: %.0f B/s a node", float64(u.allBytes())/u.took.Seconds()/float64(t.hosts))
	return err
}

// over is what u used more than an idle system of as many hosts.
func (t *trial) over(u usage, hosts int) (bytes float64, cpu time.Duration) {
	share := u.took.Seconds() / t.idle.took.Seconds() * float64(hosts) / float64(t.hosts)
	return float64(u.allBytes()) - share*float64(t.idle.allBytes()), u.cpu - time.Duration(share*float64(t.idle.cpu))
}

// churn measures what a few arrivals and then their silent departures cost.
func (t *trial) churn() error {
	count := t.newcomers
	if count == 0 {
		return nil
	}
	var came []int
	u, err := t.during(func() error {
		for range count {
			i, err := t.world.add()
			if err != nil {
				return err
			}
			came = append(came, i)
			if err := t.system.arrive(t.ctx, i); err != nil {
				return err
			}
		}
		return t.wait()
	})
	if err != nil {
		return err
	}
	bytes, _ := t.over(u, t.hosts+count)
	t.result.ArrivalBytes = bytes / float64(count)
	u, err = t.during(func() error {
		t.kill(came)
		return t.wait()
	})
	bytes, _ = t.over(u, t.hosts)
	t.result.DepartureBytes = bytes / float64(count)
	t.say("an arrival: %.0f B, a departure: %.0f B", t.result.ArrivalBytes, t.result.DepartureBytes)
	return err
}

// maintain measures what the system does so seldom that idling does not show it.
func (t *trial) maintain() error {
	var period time.Duration
	u, err := t.during(func() (err error) { period, err = t.system.maintain(t.ctx); return err })
	if period == 0 || err != nil {
		return err
	}
	t.result.RefreshBytes = float64(u.allBytes()) / float64(t.hosts)
	t.result.RefreshEvery = period
	t.say("a refresh: %.0f B a node, in %v", t.result.RefreshBytes, u.took.Round(time.Millisecond))
	return nil
}

// kill cuts hosts off; their processes end meanwhile, which nobody hears.
func (t *trial) kill(dying []int) {
	t.world.cut(dying...)
	for _, i := range dying {
		t.world.closing.Go(func() {
			if err := errors.Join(t.system.stop(i), t.world.hosts[i].Close()); err != nil {
				t.say("close dead node %d: %v", i, err)
			}
		})
	}
}

func (t *trial) close() error {
	t.world.closing.Wait()
	var wg sync.WaitGroup
	errs := make([]error, len(t.world.hosts))
	for i, h := range t.world.hosts {
		if !h.dead.Load() {
			wg.Go(func() { errs[i] = t.system.stop(i) })
		}
	}
	wg.Wait()
	return errors.Join(append(errs, t.world.close())...)
}
