package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/grapevine-p2p/grapevine/chat"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

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
