package chat

import (
	"context"
	"time"
)

// State is how far a message of ours has come.
type State int

// The states, in their order. The numbers leave room: a message that another peer
// holds for the receiver comes before Delivered, one that was read after it.
const (
	Queued    State = 10 // durable here
	Sent      State = 20 // written to the peer's stream
	Delivered State = 40 // durable at the receiver, by its own word
)

func (s State) String() string {
	switch s {
	case Queued:
		return "queued"
	case Sent:
		return "sent"
	case Delivered:
		return "delivered"
	default:
		return "unknown"
	}
}

// Outgoing is a message of ours on its way. Its methods may be called concurrently.
type Outgoing struct {
	conversation *Conversation
	text         text
	state        State // guarded by conversation.mu
}

// Seq is the message's number in our direction of the conversation.
func (o *Outgoing) Seq() uint64 { return o.text.seq }

// Text is what the message says.
func (o *Outgoing) Text() string { return o.text.body }

// State is how far the message has come.
func (o *Outgoing) State() State {
	o.conversation.mu.Lock()
	defer o.conversation.mu.Unlock()
	return o.state
}

// Wait returns when the message has come as far as state or further. It fails with
// ErrDisconnected when the peer is lost meanwhile, cannot be reached again at the
// first attempt, or is lost already and nobody tries: the message stays queued, is
// sent again when the peer is back, and may be waited for again. It fails with
// ErrClosed when the conversation is closed.
func (o *Outgoing) Wait(ctx context.Context, state State) error {
	c := o.conversation
	losses := -1
	for {
		c.mu.Lock()
		reached, closed, changed := o.state >= state, c.closed, c.changed
		lost := c.session == nil && c.attempt == nil && !c.trying
		if losses < 0 {
			losses = c.losses
		}
		lost = lost || c.losses != losses
		c.mu.Unlock()
		switch {
		case reached:
			return nil
		case closed:
			return ErrClosed
		case lost:
			return ErrDisconnected
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (o *Outgoing) message() Message {
	return Message{
		Seq: o.text.seq, From: o.conversation.service.node.ID(), Text: o.text.body,
		Written: time.UnixMilli(o.text.time), Stored: time.UnixMilli(o.text.time), Delivered: o.state >= Delivered,
	}
}
