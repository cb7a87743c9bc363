package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// bench is a run: its plan, and what it has found so far.
type bench struct {
	plan
	ctx      context.Context
	progress io.Writer
	result   *result
	part     string // the measurement that is being taken
}

func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.progress, time.Now().Format("15:04:05 ")+b.part+": "+format+"\n", args...)
}

// found notes a number.
func (b *bench) found(what string, value float64, unit, note string) {
	b.result.Rows = append(b.result.Rows, row{Part: b.part, What: what, Value: value, Unit: unit, Note: note})
	b.say("%s: %s %s", what, number(value), unit)
}

// against puts the target beside the number that was found last.
func (b *bench) against(target string, met bool) {
	last := &b.result.Rows[len(b.result.Rows)-1]
	last.Target, last.Met = target, &met
}

// answered notes how a load was answered.
func (b *bench) answered(what string, t Timing) {
	b.found(what, t.PerSecond, "/s", fmt.Sprintf("p50 %.2f ms, p99 %.2f ms, longest %.0f ms%s", ms(t.P50), ms(t.P99), ms(t.Max), t.failures()))
}

// late notes how long the slowest of a hundred answers took.
func (b *bench) late(what string, t Timing) {
	b.found(what+", p99", ms(t.P99), "ms", fmt.Sprintf("%d at %.0f/s, p50 %.2f ms, longest %.0f ms%s", t.Count, t.PerSecond, ms(t.P50), ms(t.Max), t.failures()))
}

func (t *Timing) failures() string {
	if t.Failed == 0 {
		return ""
	}
	return fmt.Sprintf("; %d failed: %s", t.Failed, t.Failure)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }

func kib(bytes int64) float64 { return float64(bytes) / (1 << 10) }

// site is a server that is measured, and the crowds that use it.
type site struct {
	*bench
	kind   string // of directory that the crowds speak with
	folder string
	server *child
	addr   string
	crowds []*child
}

// open starts a server in a folder of its own.
func (b *bench) open(args Serving) (_ *site, err error) {
	s := &site{bench: b, kind: args.Kind}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.folder, err = os.MkdirTemp("", "directory-"); err != nil {
		return nil, err
	}
	args.Folder, args.Fine = s.folder, b.profiles != ""
	if s.server, err = start(b.ctx, serverRole, b.progress); err != nil {
		return nil, err
	}
	return s, s.server.call("Start", args, &s.addr)
}

// crowd starts a process of peers, count of whom connect.
func (s *site) crowd(prefix string, count int) (*child, error) {
	c, err := start(s.ctx, crowdRole, s.progress)
	if err != nil {
		return nil, err
	}
	s.crowds = append(s.crowds, c)
	if count == 0 {
		return c, nil
	}
	return c, s.long(c, "Connect", s.visit(prefix, count), &struct{}{}, count, prefix+" connected")
}

func (s *site) visit(prefix string, count int) Visit {
	return Visit{Server: s.addr, Kind: s.kind, Prefix: prefix, Count: count}
}

// registered starts a process of peers who are connected and hold a name each.
func (s *site) registered(prefix string, count int) (*child, error) {
	c, err := s.crowd(prefix, count)
	if err != nil {
		return nil, err
	}
	return c, s.long(c, "Claim", struct{}{}, &struct{}{}, count, prefix+" registered")
}

// reportEvery is how often a long call tells how far it is.
const reportEvery = 10 * time.Second

// long makes a call of a crowd that may take a while, and says how far it is.
func (s *site) long(c *child, method string, args, reply any, of int, what string) error {
	over := make(chan error, 1)
	go func() { over <- c.call(method, args, reply) }()
	tick := time.NewTicker(reportEvery)
	defer tick.Stop()
	for {
		select {
		case err := <-over:
			return err
		case <-tick.C:
			var done int64
			if err := c.call("Done", struct{}{}, &done); err == nil {
				s.say("%d of %d %s", done, of, what)
			}
		}
	}
}

func (s *site) usage() (u Usage, err error) {
	err = s.server.call("Usage", struct{}{}, &u)
	return u, err
}

func (s *site) cpu() (d time.Duration, err error) {
	err = s.server.call("CPU", struct{}{}, &d)
	return d, err
}

// heapProfile keeps what is live on the server, if profiles are wanted.
func (s *site) heapProfile(name string) error {
	if s.profiles == "" {
		return nil
	}
	return s.server.call("Heap", filepath.Join(s.profiles, name+".heap"), &struct{}{})
}

// cpuProfile keeps what the server does during do, if profiles are wanted.
func (s *site) cpuProfile(name string, do func() error) error {
	if s.profiles == "" {
		return do()
	}
	if err := s.server.call("Profile", filepath.Join(s.profiles, name+".cpu"), &struct{}{}); err != nil {
		return err
	}
	return errors.Join(do(), s.server.call("Profile", "", &struct{}{}))
}

// together makes calls at once and waits for all.
func together(calls ...func() error) error {
	errs := make(chan error, len(calls))
	for _, call := range calls {
		go func() { errs <- call() }()
	}
	var all []error
	for range calls {
		all = append(all, <-errs)
	}
	return errors.Join(all...)
}

// close ends the processes and removes what the server stored.
func (s *site) close() error {
	var errs []error
	for _, c := range s.crowds {
		errs = append(errs, c.close())
	}
	if s.server != nil {
		errs = append(errs, s.server.close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.folder))...)
}

// with opens a server, measures, and closes it.
func (b *bench) with(args Serving, do func(*site) error) error {
	s, err := b.open(args)
	if err != nil {
		return err
	}
	return errors.Join(do(s), s.close())
}
