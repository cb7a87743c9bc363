package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/chat"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
)

const (
	// endWait is how long messages may take that are not delivered when the input
	// ends, quitWait when a person wants to go.
	endWait  = 30 * time.Second
	quitWait = 5 * time.Second
	// listWait bounds the first look at who is online.
	listWait = 5 * time.Second
)

// talk is the program's one loop: it alone decides what is shown and done. Its fields
// belong to that loop.
type talk struct {
	out     *program.Output
	self    *program.Peer
	service *chat.Service
	roster  *roster
	input   *program.Input

	shown    map[peer.ID]person // who was online when it was looked last
	server   peer.ID            // that the list came from
	looked   bool
	current  *chat.Conversation          // that lines go to
	gone     map[*chat.Conversation]bool // whose other side left
	opened   chan opened                 // the outcome of an Open under way
	opening  bool
	sent     []sent
	failed   int                   // things asked for that could not be done
	doubtful *chat.KeyChangedError // what /trust is about
}

// opened is the outcome of opening a conversation.
type opened struct {
	who          string
	conversation *chat.Conversation
	err          error
}

// sent is a message of ours that was not yet seen to be delivered.
type sent struct {
	to       *chat.Conversation
	outgoing *chat.Outgoing
}

func newTalk(out *program.Output, self *program.Peer, service *chat.Service) *talk {
	return &talk{
		out: out, self: self, service: service, roster: newRoster(self),
		shown: make(map[peer.ID]person), opened: make(chan opened, 1),
		gone: make(map[*chat.Conversation]bool),
	}
}

// run talks until the person wants no more, or the input or ctx ends.
func (t *talk) run(ctx context.Context, to string) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	if t.self.Directory != nil {
		first, done := context.WithTimeout(ctx, listWait)
		_, _ = t.roster.list(first) // asked again while it is followed
		done()
	}
	events := make(chan chat.Event)
	stream := t.service.Events(ctx)
	wg.Go(func() { t.relay(ctx, stream, events) })
	wg.Go(func() { t.roster.follow(ctx) })

	if t.input, err = t.out.ReadLines("> "); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.input.Close()) }()
	t.look()
	t.out.Detail("type a number, a name or an address to talk with somebody, or /help")
	if to != "" {
		t.open(ctx, &wg, to)
	}
	for {
		lines := t.input.Lines
		if t.opening {
			lines = nil // until it is clear whom the next line is for
		}
		select {
		case <-ctx.Done():
			return t.end(context.Background(), 0, events)
		case ev := <-events:
			t.happened(ev)
		case <-t.roster.changed:
			t.look()
		case o := <-t.opened:
			t.begin(o)
			if o.err != nil && to != "" && !t.input.Terminal {
				return fmt.Errorf("nobody to talk with: %w", o.err)
			}
		case line, more := <-lines:
			if more && !t.line(ctx, &wg, line) {
				return t.end(ctx, quitWait, events)
			}
			if !more {
				return t.inputEnded(ctx, events)
			}
		}
	}
}

func (t *talk) inputEnded(ctx context.Context, events <-chan chat.Event) error {
	wait := endWait
	if t.input.Terminal { // Ctrl-C or Ctrl-D
		wait = quitWait
	}
	err := t.end(ctx, wait, events)
	if t.input.Err() != nil {
		err = errors.Join(fmt.Errorf("read input: %w", t.input.Err()), err)
	}
	return err
}

// relay passes events on to the loop.
func (t *talk) relay(ctx context.Context, stream func(func(chat.Event, error) bool), events chan<- chat.Event) {
	for ev, err := range stream {
		if err != nil {
			t.out.Print("lagged", nil, "(messages came too quickly to show them all; the history has them)")
			continue
		}
		select {
		case events <- ev:
		case <-ctx.Done():
			return
		}
	}
}

// say sends a message to the current conversation.
func (t *talk) say(ctx context.Context, text string) {
	o, err := t.current.Send(ctx, text)
	if err != nil {
		t.failed++
		t.out.Print("not-sent", program.Fields{"error": err.Error()}, "! not sent: %s", err)
		if errors.Is(err, chat.ErrClosed) {
			t.choose(nil)
		}
		return
	}
	t.settle()
	t.sent = append(t.sent, sent{t.current, o})
	if !t.current.Connected() {
		t.out.Print("queued", program.Fields{"seq": o.Seq()}, "* %s is not connected; the message waits", who(t.current))
	}
}

// settle forgets what is delivered.
func (t *talk) settle() {
	var left []sent
	for _, s := range t.sent {
		if s.outgoing.State() < chat.Delivered {
			left = append(left, s)
		}
	}
	t.sent = left
}

// waiting counts what is not delivered in a conversation.
func (t *talk) waiting(c *chat.Conversation) (n int) {
	for _, s := range t.sent {
		if s.to == c && s.outgoing.State() < chat.Delivered {
			n++
		}
	}
	return n
}

// end waits for deliveries, shows what still comes, and says what was not delivered.
func (t *talk) end(ctx context.Context, wait time.Duration, events <-chan chat.Event) error {
	t.settle()
	if n := len(t.sent); n > 0 && wait > 0 {
		t.out.Print("waiting", program.Fields{"undelivered": n}, "waiting %s at most for what is not delivered: %d", wait, n)
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	look := time.NewTicker(50 * time.Millisecond) // an event may have been lost
	defer look.Stop()
	for over := false; !over; {
		if t.settle(); len(t.sent) == 0 {
			break
		}
		select {
		case ev := <-events:
			t.happened(ev)
		case <-look.C:
		case <-late.C:
			over = true
		case <-ctx.Done():
			over = true
		}
	}
	t.settle()
	for _, s := range t.sent {
		t.out.Print("undelivered", program.Fields{"name": s.to.Name(), "id": s.to.Peer(), "seq": s.outgoing.Seq(), "text": s.outgoing.Text()},
			"! not delivered to %s; it is sent when you talk again: %s", who(s.to), indented(s.outgoing.Text()))
	}
	t.out.Print("bye", program.Fields{"ok": len(t.sent) == 0}, "bye")
	switch {
	case len(t.sent) > 0:
		return fmt.Errorf("messages not delivered: %d", len(t.sent))
	case t.failed > 0 && !t.input.Terminal && ctx.Err() == nil:
		return fmt.Errorf("not everything could be done: %d failed", t.failed)
	default:
		return nil
	}
}
