package chat

import (
	"context"
	"errors"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// lost is told that a session is over.
func (c *Conversation) lost(s *session, err error) {
	c.mu.Lock()
	if c.session != s {
		c.mu.Unlock()
		return // another took its place
	}
	c.session = nil
	c.losses++
	hostile := errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrTooLarge)
	if c.closed {
		err = ErrClosed
	}
	again := !c.closed && !hostile && !errors.Is(err, ErrLeft)
	c.signal()
	c.mu.Unlock()
	c.service.log.Info("conversation disconnected", "peer", c.peer, "error", err)
	c.service.events.Publish(Event{Kind: Disconnected, Conversation: c, Err: err})
	if !again {
		return
	}
	wait := c.service.timing.firstTry
	if c.service.node.ID() > c.peer {
		wait *= 3 // the other side tries first
	}
	c.reconnect(wait)
}

// reconnect tries to open a stream, more and more rarely, until there is one, the
// peer refuses, or a long time has gone by.
func (c *Conversation) reconnect(wait time.Duration) {
	if !c.service.enter() {
		return
	}
	c.mu.Lock()
	busy := c.trying || c.closed || c.session != nil
	if !busy {
		c.trying = true
	}
	c.mu.Unlock()
	if busy {
		c.service.wg.Done()
		return
	}
	go func() {
		defer c.service.wg.Done()
		c.retry(wait)
		c.mu.Lock()
		c.trying = false
		c.signal()
		c.mu.Unlock()
	}()
}

func (c *Conversation) retry(wait time.Duration) {
	t := c.service.timing
	ctx, cancel := context.WithTimeout(c.service.ctx, t.giveUp)
	defer cancel()
	for first := true; c.pause(ctx, wait); first = false {
		err := c.find(ctx, first)
		if err == nil {
			err = c.connect(ctx)
		}
		if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, ErrClosed) {
			return
		}
		c.mu.Lock()
		c.losses++
		c.signal()
		c.mu.Unlock()
		wait = min(max(2*wait, t.firstTry), t.lastTry)
	}
}

// find sees to it that there are addresses to dial: at first those that are known, and
// after they failed, what others say now.
func (c *Conversation) find(ctx context.Context, first bool) error {
	if first {
		return c.service.reach(ctx, c.peer)
	}
	c.mu.Lock()
	name := c.name
	c.mu.Unlock()
	return c.service.reachAnew(ctx, c.peer, name)
}

// pause waits; false means that no attempt is to be made any more.
func (c *Conversation) pause(ctx context.Context, wait time.Duration) bool {
	over := time.NewTimer(wait)
	defer over.Stop()
	for {
		c.mu.Lock()
		needless, changed := c.session != nil || c.closed, c.changed
		c.mu.Unlock()
		if needless {
			return false
		}
		select {
		case <-over.C:
			return true
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}
