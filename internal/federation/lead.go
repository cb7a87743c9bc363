package federation

import (
	"time"

	"github.com/hashicorp/raft"

	"github.com/grapevine-p2p/grapevine/internal/names"
)

// leaderClock is log time as the leader of one raft term measures it: it begins
// where the state stood when all entries of earlier terms were applied.
type leaderClock struct {
	term uint64
	base time.Duration
	at   time.Time
}

func (c *leaderClock) now() time.Duration { return c.base + max(0, time.Since(c.at)) }

// lead sets the clock whenever this server becomes the leader, and lets time pass
// while it leads.
func (f *Federation) lead() {
	ticker := time.NewTicker(f.cfg.Timing.Heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-f.ctx.Done():
			return
		case <-f.raft.LeaderCh():
		case <-ticker.C:
		}
		if f.raft.State() == raft.Leader && (f.clock() != nil || f.setClock()) {
			f.tick()
		}
	}
}

// clock returns that of the term in which this server leads, nil if it does not.
func (f *Federation) clock() *leaderClock {
	c := f.leading.Load()
	if c == nil || c.term != f.raft.CurrentTerm() || f.raft.State() != raft.Leader {
		return nil
	}
	return c
}

func (f *Federation) setClock() bool {
	term := f.raft.CurrentTerm()
	if f.raft.Barrier(f.cfg.Timing.Request).Error() != nil {
		return false
	}
	clock := &leaderClock{term: term, base: f.machine.now()}
	clock.at = time.Now() // after the base was read: the clock is rather behind
	if f.raft.CurrentTerm() != term || f.raft.State() != raft.Leader {
		return false
	}
	f.leading.Store(clock)
	return true
}

// tick proposes that time passes if something has ended, or if nothing was proposed
// for long.
func (f *Federation) tick() {
	next, any := f.machine.next()
	clock := f.clock()
	if !any || clock == nil {
		return
	}
	if now := clock.now(); now >= next || now >= f.machine.now()+f.cfg.Timing.Tick {
		_, _ = f.commit(f.ctx, names.Tick{}) // if it fails another comes
	}
}
