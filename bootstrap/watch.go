package bootstrap

import (
	"context"
	"errors"
	"iter"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// view is what a caller was told up to a revision.
type view struct {
	revision uint64
	watched  bool // by a watch, or by a list
	known    map[leaseID]entry
}

// remember keeps a view to resume from: the newest of a list and of a watch. It is
// called with mu held.
func (c *Client) remember(v view) {
	for i := range c.seen {
		if c.seen[i].watched == v.watched {
			c.seen[i] = v
			return
		}
	}
	c.seen = append(c.seen, v)
}

// recall returns the view at a revision; at 0 nothing is known.
func (c *Client) recall(revision uint64) (map[leaseID]entry, bool) {
	known := make(map[leaseID]entry)
	if revision == 0 {
		return known, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.seen {
		if v.revision == revision {
			for id, e := range v.known {
				known[id] = e
			}
			return known, true
		}
	}
	return nil, false
}

// Watch yields what changes in the directory after a revision: that of the last
// List, or of the last Change that an earlier Watch yielded; another gives
// ErrLagged, and the caller lists again. From revision 0 it begins with all
// registrations as Joined.
//
// It watches all servers and tells what they say together: a registration is there
// while any of them has it, and nothing changes because servers come and go. While
// none answers it waits. It ends when the consumer breaks, or with an error when
// the context ends or the client is closed; with ErrLagged when the consumer is so
// slow that a thousand changes wait for it.
func (c *Client) Watch(ctx context.Context, from uint64) iter.Seq2[Change, error] {
	return func(yield func(Change, error) bool) {
		known, ok := c.recall(from)
		if !ok {
			yield(Change{}, ErrLagged)
			return
		}
		ctx, cancel := c.within(ctx)
		defer cancel()
		ctx, lag := context.WithCancelCause(ctx)
		defer lag(nil)
		m := newMerger(known)
		reports, wait, err := c.followAll(ctx, lag)
		if err != nil {
			yield(Change{}, err)
			return
		}
		defer wait() // after the cancel below
		defer cancel()
		revision := from
		defer func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.remember(view{revision, true, m.known})
		}()
		for {
			var r report
			select {
			case <-ctx.Done():
			case r = <-reports:
			}
			if ctx.Err() != nil {
				yield(Change{}, context.Cause(ctx))
				return
			}
			if r.waits != nil {
				r.waits.Store(false)
			}
			for ch := range m.take(r) {
				c.mu.Lock()
				c.revision++
				revision = c.revision
				c.mu.Unlock()
				if !yield(Change{revision, ch.kind, ch.entry.record()}, nil) {
					return
				}
			}
		}
	}
}

// report is what a follower of one server tells.
type report struct {
	link    *link
	lost    bool    // the server is not followed any more
	all     []entry // everything, unless the change is set
	changed *change
	waits   *atomic.Bool // set while a list of this link waits to be taken
}

// followAll follows every server. When more reports wait than fit the queue, or two
// lists of one server, it calls lag and the rest is lost. Wait is called after ctx
// has ended.
func (c *Client) followAll(ctx context.Context, lag func(error)) (reports chan report, wait func(), err error) {
	reports = make(chan report, c.queue)
	var followers sync.WaitGroup
	for _, l := range c.links {
		if err := c.begin(); err != nil {
			return nil, nil, err
		}
		followers.Add(1)
		go func() {
			defer c.wg.Done()
			defer followers.Done()
			var waits atomic.Bool
			l.follow(ctx, func(r report) {
				r.link = l
				if r.changed == nil && !r.lost {
					if waits.Swap(true) {
						lag(ErrLagged)
						return
					}
					r.waits = &waits
				}
				select {
				case reports <- r:
				default:
					lag(ErrLagged)
				}
			})
		}()
	}
	return reports, followers.Wait, nil
}

// position is how far a server was followed.
type position struct {
	epoch, revision uint64    // of what was heard last; 0: nothing to go on from
	told            bool      // the watcher has the server's view
	broke           time.Time // when the watch ended that was at it; zero: it goes on
}

// follow watches the server, anew whenever it is lost, until ctx ends. A watch that
// broke goes on where it was, if the server still knows what came since; the watcher
// does not notice, unless it takes long.
func (l *link) follow(ctx context.Context, tell func(report)) {
	var at position
	retry := firstRetry
	for ctx.Err() == nil {
		mending, resumed := !at.broke.IsZero(), at.epoch != 0
		err := l.watch(ctx, &at, tell)
		if ctx.Err() != nil {
			return
		}
		l.client.log.Debug("watch of a bootstrap server ended", "server", l.info.ID, "err", err)
		now := time.Now()
		if at.told && at.broke.IsZero() {
			at.broke, retry = now, firstRetry
		}
		if errors.Is(err, ErrLagged) && at.epoch != 0 {
			at.epoch, at.revision = 0, 0
			if mending && resumed {
				continue // it answers, and has nothing to go on from: list at once
			}
		}
		if at.told && now.Sub(at.broke) > mendTimeout {
			tell(report{lost: true})
			at = position{}
		}
		// Not all watchers of a server that went away at the same moment.
		timer := time.NewTimer(rand.N(2 * retry))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
		retry = min(2*retry, lastRetry)
	}
}

// watch opens a watch, from where the last one was if it can, and tells what comes
// over it until it breaks.
func (l *link) watch(ctx context.Context, at *position, tell func(report)) error {
	opening, cancel := context.WithTimeout(ctx, l.client.timeout)
	t, err := l.open(opening)
	err = l.outcome(ctx, err)
	cancel()
	if err != nil {
		return err
	}
	defer func() { _ = t.stream.Reset() }()
	stop := context.AfterFunc(ctx, func() { _ = t.stream.Reset() })
	defer stop()
	err = t.send(&pb.DirectoryRequest{Network: l.client.network, Body: &pb.DirectoryRequest_Watch{
		Watch: &pb.DirectoryWatch{Epoch: at.epoch, From: at.revision},
	}})
	if err != nil {
		return err
	}
	if at.epoch == 0 {
		all, last, err := l.pages(t)
		if err != nil {
			return err
		}
		tell(report{all: all})
		*at = position{epoch: last.GetEpoch(), revision: last.GetRevision(), told: true}
	}
	for {
		resp, err := t.receive(aliveTimeout)
		if err != nil {
			return err
		}
		if e := resp.GetError(); e != nil {
			return decodeError(e, "", time.Now())
		}
		ch := resp.GetChange()
		if ch == nil {
			return malformed("an answer of another kind")
		}
		if at.epoch != 0 { // 0: a server that does not say cannot be gone on with
			at.epoch, at.revision = ch.GetEpoch(), ch.GetRevision()
		}
		at.broke = time.Time{}
		if ch.GetEntry() == nil {
			continue // the server is alive
		}
		changed, err := decodeChange(ch, l.client.network, time.Now())
		if err != nil {
			l.client.log.Warn("a bootstrap server hands out a bad record", "server", l.info.ID, "err", err)
			continue
		}
		l.localise(&changed.entry)
		tell(report{changed: &changed})
	}
}
