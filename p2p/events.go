package p2p

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
)

// ErrLagged is yielded by Events when the reader was too slow and missed some.
var ErrLagged = errors.New("reader too slow: events were lost")

// EventKind tells what happened.
type EventKind int

// The events of a node. The list is append-only.
const (
	NeighbourUp EventKind = iota + 1
	NeighbourDown
	PresenceUp   // a peer announced itself
	PresenceDown // a peer went offline, or its announcement expired
)

// Event is something that happened to a node.
type Event struct {
	Kind   EventKind
	Peer   peer.ID
	Name   string // PresenceUp: the name it announced
	Reason string // NeighbourDown: why
}

func reasonText(r overlay.Reason) string {
	switch r {
	case overlay.ReasonReplaced:
		return "replaced"
	case overlay.ReasonLeft:
		return "left"
	case overlay.ReasonLost:
		return "lost"
	case overlay.ReasonSilent:
		return "silent"
	case overlay.ReasonHostile:
		return "broke the protocol"
	default:
		return ""
	}
}

// Events yields what happens from now on, until the context ends, the caller
// breaks or the node is closed. A reader that is 256 events behind gets ErrLagged
// once and goes on with the newest. The sequence is for one range loop.
func (n *Node) Events(ctx context.Context) iter.Seq2[Event, error] {
	sub := n.events.subscribe()
	stop := context.AfterFunc(ctx, func() { n.events.unsubscribe(sub) })
	return func(yield func(Event, error) bool) {
		defer n.events.unsubscribe(sub)
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case ev, open := <-sub.queue:
				if !open {
					return
				}
				if sub.takeLag() && !yield(Event{}, ErrLagged) {
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
	events *events
	queue  chan Event
	lagged bool // guarded by events.mu
}

func (e *events) subscribe() *subscription {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := &subscription{events: e, queue: make(chan Event, eventQueue)}
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
	if _, there := e.subs[s]; there {
		delete(e.subs, s)
		close(s.queue)
	}
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

func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	for s := range e.subs {
		close(s.queue)
		delete(e.subs, s)
	}
}

func (s *subscription) takeLag() bool {
	s.events.mu.Lock()
	defer s.events.mu.Unlock()
	was := s.lagged
	s.lagged = false
	return was
}
