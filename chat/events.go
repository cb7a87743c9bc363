package chat

import (
	"context"
	"iter"
)

// EventKind tells what happened.
type EventKind int

// The events of a service. The list is append-only.
const (
	// Incoming: another peer opened a conversation with us.
	Incoming EventKind = iota + 1
	// Connected: a stream is up, for the first time or again.
	Connected
	// Disconnected: the stream is gone; Err says why. Of what was not acknowledged
	// the Outgoings report ErrDisconnected.
	Disconnected
	// Received: Message is new and durable.
	Received
	// MessageDelivered: Message, one of ours, was acknowledged.
	MessageDelivered
)

// Event is something that happened to a service.
type Event struct {
	Kind         EventKind
	Conversation *Conversation
	Message      Message
	Err          error // Disconnected: ErrLeft if the other side ended it on purpose
}

// Events yields what happens from the call on, until the context ends, the caller
// breaks or the service is closed. A reader that is 1,000 events behind gets ErrLagged
// once and goes on with the newest.
func (s *Service) Events(ctx context.Context) iter.Seq2[Event, error] {
	return s.events.All(ctx, ErrLagged)
}
