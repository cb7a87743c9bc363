package chat

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Conversation is what we say with one other peer, over as many streams as it takes.
// Its methods may be called concurrently. [Service.Open] and the Incoming event give
// it.
type Conversation struct {
	service *Service
	peer    peer.ID
	history *history
	rate    *rate.Limiter // of the other side's texts
	holds   int           // who works on opening it; guarded by service.mu
	gone    chan struct{} // closed when the history is

	sending sync.Mutex // held while a text gets its number; before mu
	keeping sync.Mutex // held while texts of the other side are stored; before mu

	mu      sync.Mutex
	changed chan struct{} // closed, and replaced, when anything below changes
	name    string        // by which we opened it
	hint    string        // what the other side calls itself
	session *session      // nil: not connected
	attempt *attempt      // at connecting
	trying  bool          // to reconnect by itself
	losses  int           // of streams and attempts, for those who wait
	opened  bool          // there has been a session
	closed  bool
	pending []*Outgoing // not acknowledged, by number
	inbox   []Message   // for Messages
	lagged  bool        // something did not fit into inbox
}

func newConversation(s *Service, id peer.ID) *Conversation {
	return &Conversation{
		service: s,
		peer:    id,
		history: &history{fsys: s.fsys, file: s.historyFile(id), self: s.node.ID(), peer: id, logger: s.log},
		rate:    rate.NewLimiter(textRate, textBurst),
		gone:    make(chan struct{}),
		changed: make(chan struct{}),
	}
}

// Peer is whom we talk with.
func (c *Conversation) Peer() peer.ID { return c.peer }

// Name is the name that the conversation was opened by, else what the other side
// calls itself, which is a hint and "" if it says nothing. It is safe to show, and
// should be shown with the peer's fingerprint.
func (c *Conversation) Name() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.name != "" {
		return c.name
	}
	return c.hint
}

// Standing tells whether the name is known to belong to the peer.
func (c *Conversation) Standing() Standing {
	return c.service.contacts.standing(c.Name(), c.peer)
}

// Connected tells whether there is a stream now.
func (c *Conversation) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session != nil
}

// Send keeps a text durably here and sends it. It waits while the queue for a
// connected peer is full, and fails with ErrFull while that for a lost one is.
func (c *Conversation) Send(ctx context.Context, body string) (*Outgoing, error) {
	if err := checkText(body); err != nil {
		return nil, err
	}
	for {
		o, err := c.trySend(body)
		if !errors.Is(err, ErrFull) {
			return o, err
		}
		c.mu.Lock()
		full, connected, changed := len(c.pending) >= maxUnacknowledged, c.session != nil, c.changed
		c.mu.Unlock()
		switch {
		case !full:
			continue
		case !connected:
			return nil, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (c *Conversation) trySend(body string) (*Outgoing, error) {
	c.sending.Lock()
	defer c.sending.Unlock()
	c.mu.Lock()
	closed, full := c.closed, len(c.pending) >= maxUnacknowledged
	c.mu.Unlock()
	switch {
	case closed:
		return nil, ErrClosed
	case full:
		return nil, ErrFull
	}
	if err := c.openHistory(); err != nil { // it may have failed before
		return nil, err
	}
	now := time.Now()
	t := text{seq: c.history.lastSent() + 1, time: now.UnixMilli(), body: body}
	if err := c.history.append(&pb.ChatEntry{Body: &pb.ChatEntry_Sent{Sent: encodeText(t)}}); err != nil {
		return nil, err
	}
	o := &Outgoing{conversation: c, text: t, state: Queued}
	c.mu.Lock()
	c.pending = append(c.pending, o)
	session := c.session
	c.mu.Unlock()
	if session != nil {
		session.poke()
	} else {
		c.reconnect(0)
	}
	return o, nil
}

// Messages yields what the other side says, in order, over disconnections, until
// the conversation is closed, the context ends or the caller breaks. Each message is
// yielded once, to one loop. A reader that is 1,024 messages behind gets ErrLagged
// and goes on with the oldest that are left; History has them all.
func (c *Conversation) Messages(ctx context.Context) iter.Seq2[Message, error] {
	return func(yield func(Message, error) bool) {
		for {
			c.mu.Lock()
			changed, closed, lagged := c.changed, c.closed, c.lagged
			c.lagged = false
			var next []Message
			if !lagged && len(c.inbox) > 0 {
				next = c.inbox[:1]
				c.inbox = c.inbox[1:]
			}
			c.mu.Unlock()
			switch {
			case lagged:
				if !yield(Message{}, ErrLagged) {
					return
				}
				continue
			case next != nil:
				if !yield(next[0], nil) {
					return
				}
				continue
			case closed:
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	}
}

// History yields all messages of both sides that the service's folder has, oldest
// first.
func (c *Conversation) History() iter.Seq2[Message, error] { return c.history.messages() }

// Close says goodbye, ends the conversation and waits for all that belongs to it.
// The history stays, and the conversation may be opened anew.
func (c *Conversation) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		<-c.gone
		return nil
	}
	c.closed = true
	session := c.session
	if c.attempt != nil {
		c.attempt.cancel()
	}
	c.signal()
	c.mu.Unlock()
	if session != nil {
		session.leave()
	}
	return c.finish()
}

// finish closes the history of a conversation that is closed already.
func (c *Conversation) finish() error {
	c.sending.Lock() // whoever is storing finishes first
	c.keeping.Lock()
	err := c.history.close()
	c.keeping.Unlock()
	c.sending.Unlock()
	c.service.mu.Lock()
	delete(c.service.conversations, c.peer)
	c.service.mu.Unlock()
	close(c.gone)
	return err
}

// abandon closes a conversation that never was.
func (c *Conversation) abandon() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.opened || c.closed {
		return false
	}
	c.closed = true
	c.signal()
	return true
}

func (c *Conversation) isOpen() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.opened && !c.closed
}

func (c *Conversation) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

// signal tells all who wait for a change. It is called with mu held.
func (c *Conversation) signal() {
	close(c.changed)
	c.changed = make(chan struct{})
}

// keep makes texts of the other side durable and shows those that are new. It
// returns the highest number that may be acknowledged.
func (c *Conversation) keep(texts []text, delivered uint64) (uint64, error) {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	last := c.history.lastReceived()
	var fresh []text
	var entries []*pb.ChatEntry
	for _, t := range texts {
		if t.seq <= last {
			continue // came before, on this stream or another
		}
		last = t.seq
		fresh = append(fresh, t)
		entries = append(entries, &pb.ChatEntry{Body: &pb.ChatEntry_Received{Received: encodeText(t)}})
	}
	if delivered > c.history.lastDelivered() {
		entries = append(entries, &pb.ChatEntry{Body: &pb.ChatEntry_Delivered{Delivered: &pb.ChatAck{Seq: delivered}}})
	}
	if len(entries) > 0 {
		if err := c.history.append(entries...); err != nil {
			return 0, err
		}
	}
	c.show(fresh)
	return last, nil
}

// ready sees to it that the history takes messages. What it holds of ours that was
// not acknowledged is sent again.
func (c *Conversation) ready() error {
	c.sending.Lock()
	defer c.sending.Unlock()
	return c.openHistory()
}

// openHistory is called with sending held.
func (c *Conversation) openHistory() error {
	c.keeping.Lock()
	defer c.keeping.Unlock()
	found, err := c.history.ready()
	c.resume(found.ours)
	c.show(found.theirs)
	return err
}

// resume queues texts that are durable. It is called with sending held.
func (c *Conversation) resume(texts []text) {
	if len(texts) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range texts {
		c.pending = append(c.pending, &Outgoing{conversation: c, text: t, state: Queued})
	}
	if c.session != nil {
		c.session.poke()
	}
	c.signal()
}

// show hands on texts that are durable. It is called with keeping held.
func (c *Conversation) show(texts []text) {
	now := time.Now()
	for _, t := range texts {
		m := Message{Seq: t.seq, From: c.peer, Text: t.body, Written: time.UnixMilli(t.time), Stored: now}
		c.mu.Lock()
		if c.inbox = append(c.inbox, m); len(c.inbox) > maxUnread {
			c.inbox = slices.Delete(c.inbox, 0, len(c.inbox)-maxUnread)
			c.lagged = true
		}
		c.signal()
		c.mu.Unlock()
		c.service.events.Publish(Event{Kind: Received, Conversation: c, Message: m})
	}
}

// acknowledged marks our texts up to seq as delivered. It is called with mu held.
func (c *Conversation) acknowledged(seq uint64) {
	c.history.acknowledged(seq)
	n := 0
	for n < len(c.pending) && c.pending[n].text.seq <= seq {
		c.pending[n].state = Delivered
		c.service.events.Publish(Event{Kind: MessageDelivered, Conversation: c, Message: c.pending[n].message()})
		n++
	}
	if n > 0 {
		c.pending = slices.Delete(c.pending, 0, n)
		c.signal()
	}
}
