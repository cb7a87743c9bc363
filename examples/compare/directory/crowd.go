package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Crowd is a process that is many peers of one server.
type Crowd struct {
	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	members []*member
	done    atomic.Int64 // of the call that runs
	told    atomic.Int64 // changes that watchers were told of
	lagged  atomic.Int64 // watches that the server ended
}

func newCrowd() *Crowd {
	ctx, cancel := context.WithCancel(context.Background())
	return &Crowd{ctx: ctx, cancel: cancel}
}

// Visit is what a crowd is to be.
type Visit struct {
	Server string // its multiaddr
	Kind   string // what it serves
	Prefix string // of the members' names
	First  int    // number of the first
	Count  int
}

func (v Visit) server() (peer.AddrInfo, error) {
	info, err := peer.AddrInfoFromString(v.Server)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	return *info, nil
}

// Done tells how far the call that runs has come.
func (c *Crowd) Done(_ struct{}, n *int64) error {
	*n = c.done.Load()
	return nil
}

// Connect adds members and connects them.
func (c *Crowd) Connect(v Visit, _ *struct{}) error {
	server, err := v.server()
	if err != nil {
		return err
	}
	fresh := make([]*member, v.Count)
	err = c.each(v.Count, visitors, func(i int) (err error) {
		if fresh[i], err = newMember(fmt.Sprintf("%s-%d", v.Prefix, v.First+i)); err != nil {
			return err
		}
		return fresh[i].connect(c.ctx, server, v.Kind)
	})
	c.members = append(c.members, fresh...)
	return err
}

// Claim lets every member claim its own name once.
func (c *Crowd) Claim(_ struct{}, _ *struct{}) error {
	return c.each(len(c.members), visitors, func(i int) error {
		c.members[i].claimed = 1
		for begun := time.Now(); ; {
			err := c.members[i].claim(c.members[i].name)
			// SQLite gives up after 5 s when many register at once.
			if !errors.Is(err, errInternal) || time.Since(begun) > patience {
				return err
			}
		}
	})
}

// Pass lets peers come, claim a name each, and leave again.
func (c *Crowd) Pass(v Visit, _ *struct{}) error {
	server, err := v.server()
	if err != nil {
		return err
	}
	return c.each(v.Count, visitors, func(i int) error {
		m, err := newMember(fmt.Sprintf("%s-%d", v.Prefix, v.First+i))
		if err != nil {
			return err
		}
		m.detached = true
		if err := m.connect(c.ctx, server, v.Kind); err != nil {
			return err
		}
		return errors.Join(m.claim(m.name), m.leave())
	})
}

// each does something count times, some at once, until the first error.
func (c *Crowd) each(count, together int, do func(i int) error) error {
	c.done.Store(0)
	var next atomic.Int64
	var wg sync.WaitGroup
	errs := make([]error, min(together, count))
	for w := range errs {
		wg.Go(func() {
			for errs[w] == nil && c.ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= count {
					return
				}
				if errs[w] = do(i); errs[w] != nil {
					next.Store(int64(count)) // the others need not go on
				}
				c.done.Add(1)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Renew lets members renew their registrations.
func (c *Crowd) Renew(p Pace, t *Timing) error {
	return c.drive(p, t, func(m *member) (bool, error) { return false, m.renew(m.name) })
}

// ClaimMore lets members claim more names, until each has as many as it may.
func (c *Crowd) ClaimMore(p Pace, t *Timing) error {
	return c.drive(p, t, func(m *member) (bool, error) {
		if m.claimed == namesEach {
			return true, nil
		}
		m.claimed++
		return false, m.claim(fmt.Sprintf("%s-%d", m.name, m.claimed))
	})
}

// Find lets members ask for peers that are online.
func (c *Crowd) Find(p Pace, t *Timing) error {
	return c.drive(p, t, func(m *member) (bool, error) { return false, m.find() })
}

// Lookups is which names are looked up.
type Lookups struct {
	Pace
	Prefix string
	Count  int
}

// Lookup lets members look names up that are there, at random.
func (c *Crowd) Lookup(l Lookups, t *Timing) error {
	return c.drive(l.Pace, t, func(m *member) (bool, error) {
		return false, m.speaker.(*directorySpeaker).lookup(fmt.Sprintf("%s-%d", l.Prefix, rand.IntN(l.Count)))
	})
}

func (c *Crowd) drive(p Pace, t *Timing, ask func(*member) (bool, error)) error {
	c.done.Store(0)
	*t = drive(c.ctx, c.members, p, &c.done, ask)
	return nil
}

// Watch makes every member's stream a watch, and returns when each has its first
// page.
func (c *Crowd) Watch(_ struct{}, _ *struct{}) error {
	defer runtime.GC() // what it took to connect is not collected while others are measured
	return c.each(len(c.members), visitors, func(i int) error {
		d := c.members[i].speaker.(*directorySpeaker)
		if err := d.watch(); err != nil {
			return fmt.Errorf("%s watches: %w", c.members[i].name, err)
		}
		c.wg.Go(func() { c.listen(d) })
		return nil
	})
}

// Told is what watchers heard.
type Told struct{ Changes, Lagged int64 }

// Told tells what watchers heard so far.
func (c *Crowd) Told(_ struct{}, t *Told) error {
	*t = Told{c.told.Load(), c.lagged.Load()}
	return nil
}

// listen takes what a watch tells. One that is told that it lags begins anew on
// another stream, as a client does.
func (c *Crowd) listen(d *directorySpeaker) {
	for c.ctx.Err() == nil {
		var resp pb.DirectoryResponse
		if d.stream.SetReadDeadline(time.Time{}) != nil {
			return
		}
		err := d.receive(&resp)
		switch {
		case err == nil && resp.GetChange().GetEntry() != nil:
			c.told.Add(1)
		case err == nil && resp.GetError() == nil:
		default:
			if c.ctx.Err() != nil {
				return
			}
			c.lagged.Add(1)
			_ = d.stream.Reset()
			again, err := d.open(c.ctx, grapevine)
			if err != nil {
				return
			}
			d = again.(*directorySpeaker)
			if d.watch() != nil {
				return
			}
		}
	}
}

// watch asks for everything and what changes from then on, and takes the first pages.
func (d *directorySpeaker) watch() error {
	for {
		resp, err := d.ask(&pb.DirectoryRequest{Body: &pb.DirectoryRequest_Watch{Watch: &pb.DirectoryWatch{}}})
		for ; err == nil; resp, err = d.next() {
			if page := resp.GetPage(); page == nil || page.Last {
				return nil
			}
		}
		r := (*refusal)(nil)
		if !errors.As(err, &r) || r.after == 0 {
			return err
		}
		time.Sleep(min(r.after, patience)) // as the answer says
	}
}

// next reads one more answer.
func (d *directorySpeaker) next() (*pb.DirectoryResponse, error) {
	var resp pb.DirectoryResponse
	if err := d.receive(&resp); err != nil {
		return nil, err
	}
	if e := resp.GetError(); e != nil {
		return nil, &refusal{e.Code, time.Duration(e.RetryMs) * time.Millisecond}
	}
	return &resp, nil
}

// close ends all members.
func (c *Crowd) close() error {
	c.cancel()
	var errs []error
	for _, m := range c.members {
		if m != nil {
			errs = append(errs, m.leave())
		}
	}
	c.wg.Wait()
	return errors.Join(errs...)
}
