package chat

import (
	"context"
	"iter"
	"sync"
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
	sub := s.events.subscribe()
	return func(yield func(Event, error) bool) {
		defer s.events.unsubscribe(sub)
		for {
			select {
			case <-ctx.Done():
				return
			case ev, open := <-sub.queue:
				if !open {
					return
				}
				if s.events.takeLag(sub) && !yield(Event{}, ErrLagged) {
					return
				}
				if !yield(ev, nil) {
					return
				}
			}
		}
	}
}

// events hands each event to every subscriber. The zero value is ready.
type events struct {
	mu     sync.Mutex
	subs   map[*subscription]struct{}
	closed bool
}

type subscription struct {
	queue  chan Event
	lagged bool // guarded by events.mu
}

func (e *events) subscribe() *subscription {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &subscription{queue: make(chan Event, eventQueue)}
	if e.closed {
		close(s.queue)
		return s
	}
	if e.subs == nil {
		e.subs = make(map[*subscription]struct{})
	}
	e.subs[s] = struct{}{}
	return s
}

func (e *events) unsubscribe(s *subscription) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.subs, s)
}

func (e *events) publish(ev Event) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.subs {
		select {
		case s.queue <- ev:
			continue
		default:
		}
		s.lagged = true
		select { // the oldest makes room
		case <-s.queue:
		default:
		}
		select {
		case s.queue <- ev:
		default:
		}
	}
}

func (e *events) takeLag(s *subscription) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	was := s.lagged
	s.lagged = false
	return was
}

func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for s := range e.subs {
		close(s.queue)
		delete(e.subs, s)
	}
}
