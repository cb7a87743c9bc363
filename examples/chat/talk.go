package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/chat"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
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
	t.out.Detail("type a number, a name or an address to talk with somebody; /help says what else there is")
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

// who is a conversation's other side, as it is shown.
func who(c *chat.Conversation) string { return display.Peer(c.Name(), c.Peer().String()) }

// happened shows what others did.
func (t *talk) happened(ev chat.Event) {
	c := ev.Conversation
	fields := program.Fields{"name": c.Name(), "id": c.Peer()}
	switch ev.Kind {
	case chat.Incoming:
		t.incoming(c)
	case chat.Received:
		fields["seq"], fields["text"], fields["written"] = ev.Message.Seq, ev.Message.Text, ev.Message.Written
		t.out.Print("message", fields, "%s: %s", who(c), indented(ev.Message.Text))
	case chat.MessageDelivered:
		fields["seq"] = ev.Message.Seq
		if t.out.JSON() {
			t.out.Print("delivered", fields, "")
		}
		t.settle()
	case chat.Disconnected:
		t.settle()
		if errors.Is(ev.Err, chat.ErrLeft) {
			t.gone[c] = true
		}
		waiting := t.waiting(c)
		fields["undelivered"], fields["error"] = waiting, fmt.Sprint(ev.Err)
		switch {
		case errors.Is(ev.Err, chat.ErrClosed):
		case errors.Is(ev.Err, chat.ErrLeft):
			t.out.Print("disconnected", fields, "* %s left the conversation%s", who(c), undelivered(waiting))
		default:
			t.out.Print("disconnected", fields, "* %s is disconnected, trying to reach them again%s", who(c), undelivered(waiting))
		}
	case chat.Connected:
		waiting, anew := t.waiting(c), t.gone[c] && !t.opening
		switch {
		case waiting > 0:
			t.out.Print("connected", fields, "* %s is back, sending %d again", who(c), waiting)
		case t.out.JSON():
			t.out.Print("connected", fields, "")
		}
		if anew && waiting == 0 {
			t.incoming(c)
		}
		delete(t.gone, c)
	}
}

// incoming tells that somebody opened a conversation, the first time or after leaving.
func (t *talk) incoming(c *chat.Conversation) {
	t.out.Print("incoming", program.Fields{"name": c.Name(), "id": c.Peer()}, "* %s opened a conversation with you", who(c))
	t.warn(c)
	if (t.current == nil || t.gone[t.current]) && !t.opening {
		t.choose(c)
	} else {
		t.out.Detail("  (to answer, type /to %s)", t.handle(c))
	}
}

func undelivered(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "; 1 message is not delivered yet"
	default:
		return fmt.Sprintf("; %d messages are not delivered yet", n)
	}
}

// indented keeps the lines of one message apart from other messages: no text can pass
// for somebody else's.
func indented(text string) string {
	return strings.ReplaceAll(display.Text(text), "\n", "\n    | ")
}

// handle is what a conversation's other side can be chosen by.
func (t *talk) handle(c *chat.Conversation) string {
	if p, online := t.shown[c.Peer()]; online {
		return fmt.Sprint(p.number)
	}
	return c.Peer().String()
}

// warn tells of a name that belongs to somebody else.
func (t *talk) warn(c *chat.Conversation) {
	if c.Standing() == chat.Conflicting {
		t.out.Print("warning", program.Fields{"id": c.Peer(), "name": c.Name()},
			"! this is not the %s that you have talked with before: the key is another", display.Line(c.Name()))
	}
}

// choose makes a conversation the one that lines go to.
func (t *talk) choose(c *chat.Conversation) {
	t.current = c
	if c == nil {
		t.input.SetPrompt("> ")
		return
	}
	name := display.Line(c.Name())
	if name == "" {
		name = display.Fingerprint(c.Peer().String())
	}
	t.input.SetPrompt("to " + name + "> ")
	t.out.Print("talking", program.Fields{"name": c.Name(), "id": c.Peer()}, "* what you type goes to %s; /leave ends it", who(c))
}

// open begins to open a conversation; its outcome comes over t.opened.
func (t *talk) open(ctx context.Context, wg *sync.WaitGroup, to string) {
	to = strings.TrimSpace(to)
	t.opening = true
	target := to
	for _, p := range t.shown {
		if fmt.Sprint(p.number) == to {
			target = p.id.String()
			if p.name != "" && t.unique(p) {
				target = p.name // so that the name's key is checked and kept
			}
		}
	}
	wg.Go(func() {
		c, err := t.service.Open(ctx, target)
		t.opened <- opened{to, c, err}
	})
}

// unique tells whether nobody else who is online has a person's name.
func (t *talk) unique(p person) bool {
	for _, other := range t.shown {
		if other.id != p.id && strings.EqualFold(other.name, p.name) {
			return false
		}
	}
	return true
}

// begin takes the outcome of open.
func (t *talk) begin(o opened) {
	t.opening = false
	if o.err == nil {
		delete(t.gone, o.conversation)
		t.choose(o.conversation)
		t.warn(o.conversation)
		return
	}
	t.failed++
	fields := program.Fields{"to": o.who, "error": o.err.Error()}
	var refused *chat.RefusedError
	var changed *chat.KeyChangedError
	var ambiguous *chat.AmbiguousError
	to := display.Line(o.who)
	switch {
	case errors.As(o.err, &refused):
		t.out.Print("not-opened", fields, "! %s refused: %s", display.Peer(to, refused.Peer.String()), display.Line(refused.Reason))
	case errors.As(o.err, &changed):
		t.doubtful = changed
		t.out.Print("not-opened", fields, "! %s had the key %s and now has %s: that may be somebody else. If you know better, type /trust",
			display.Line(changed.Name), display.Fingerprint(changed.Known.String()), display.Fingerprint(changed.Found.String()))
	case errors.As(o.err, &ambiguous):
		t.out.Print("not-opened", fields, "! several people call themselves %s; choose one by peer ID:", to)
		for _, id := range ambiguous.Peers {
			t.out.Detail("  %s", id)
		}
	case errors.Is(o.err, chat.ErrSelf):
		t.out.Print("not-opened", fields, "! %s is you", to)
	case errors.Is(o.err, chat.ErrNotFound):
		t.out.Print("not-opened", fields, "! nobody called %s was found", to)
	case errors.Is(o.err, chat.ErrOffline):
		_, why, _ := strings.Cut(o.err.Error(), chat.ErrOffline.Error()+": ")
		if why != "" && !strings.Contains(why, "\n") {
			t.out.Print("not-opened", fields, "! %s cannot be reached: %s", to, display.Line(why))
			break
		}
		t.out.Print("not-opened", fields, "! %s cannot be reached", to)
		t.out.Detail("  (%s)", display.Line(o.err.Error()))
	default:
		t.out.Print("not-opened", fields, "! %s", o.err)
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
