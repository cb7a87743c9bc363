package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/grapevine-p2p/grapevine/chat"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

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
