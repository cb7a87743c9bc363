package chat

import (
	"context"
	"iter"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/grapevine-p2p/grapevine/p2p"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait for a condition: far more than a busy machine needs.
const patience = 60 * time.Second

// eager reconnects soon.
func eager() timing {
	t := defaultTiming()
	t.firstTry = 100 * time.Millisecond
	t.lastTry = time.Second
	return t
}

// hasty notices a lost peer soon as well. A busy machine may seem lost to it.
func hasty() timing {
	t := eager()
	t.ping = 500 * time.Millisecond
	t.idle = 4 * time.Second
	return t
}

func newService(t *testing.T, n *p2p.Node, folder string, opts ...Option) *Service {
	t.Helper()
	s, err := New(n, folder, append([]Option{withTiming(eager())}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

// soon is a context that ends with the test or when patience does.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, s *Service, who string) *Conversation {
	t.Helper()
	c, err := s.Open(soon(t), who)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func send(t *testing.T, c *Conversation, text string) *Outgoing {
	t.Helper()
	o, err := c.Send(soon(t), text)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func delivered(t *testing.T, o *Outgoing) {
	t.Helper()
	if err := o.Wait(soon(t), Delivered); err != nil {
		t.Fatalf("message %d: %v", o.Seq(), err)
	}
}

// watcher collects the events of a service.
type watcher struct {
	t      *testing.T
	events chan Event
}

func watch(t *testing.T, s *Service) *watcher {
	t.Helper()
	w := &watcher{t, make(chan Event, 10_000)}
	ctx, cancel := context.WithCancel(context.Background())
	stream := s.Events(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ev, err := range stream {
			if err != nil {
				t.Errorf("events: %v", err)
			}
			w.events <- ev
		}
	}()
	t.Cleanup(func() { cancel(); <-done })
	return w
}

// next waits for an event of a kind and drops those before it.
func (w *watcher) next(kind EventKind) Event {
	w.t.Helper()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		select {
		case ev := <-w.events:
			if ev.Kind == kind {
				return ev
			}
		case <-late.C:
			w.t.Fatalf("no event of kind %d within %v", kind, patience)
		}
	}
}

// incoming returns the first conversation that another peer opens, and reads no more
// events.
func incoming(t *testing.T, events iter.Seq2[Event, error]) *Conversation {
	t.Helper()
	for ev, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind == Incoming {
			return ev.Conversation
		}
	}
	t.Fatal("nobody opened a conversation")
	return nil
}

// read takes n messages of a conversation.
func read(t *testing.T, c *Conversation, n int) (texts []string) {
	t.Helper()
	for m, err := range c.Messages(soon(t)) {
		if err != nil {
			t.Fatal(err)
		}
		if texts = append(texts, m.Text); len(texts) == n {
			return texts
		}
	}
	t.Fatalf("only %d of %d messages came", len(texts), n)
	return nil
}
