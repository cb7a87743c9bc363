package chat

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/grapevine-p2p/grapevine/internal/display"
	"github.com/grapevine-p2p/grapevine/internal/streamconn"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
	"github.com/grapevine-p2p/grapevine/p2p"
)

var (
	// errGlare: the other side is opening a stream to us, and that one stays.
	errGlare = errors.New("the other side opens a stream at the same time")
	// errAbandoned: another stream took this one's place before it was in use.
	errAbandoned = errors.New("another stream took its place")
)

// attempt is a stream that is being opened. A conversation has one at a time.
type attempt struct {
	incoming bool
	cancel   func()
}

// connect returns when there is a stream to the peer, whoever opened it.
func (c *Conversation) connect(ctx context.Context) error {
	for tries := 1; ; tries++ {
		a, dialCtx, err := c.begin(ctx)
		if a == nil {
			return err
		}
		err = c.dial(dialCtx, a)
		a.cancel()
		yielded := !c.end(a)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, errGlare):
			if err := c.awaitStream(ctx); err != nil {
				return err
			}
		case !yielded || tries == 3:
			return err
		}
	}
}

// begin waits until nobody else tries, and begins an attempt. Without one there is
// a stream, or an error.
func (c *Conversation) begin(ctx context.Context) (*attempt, context.Context, error) {
	for {
		c.mu.Lock()
		changed := c.changed
		switch {
		case c.closed:
			c.mu.Unlock()
			return nil, nil, ErrClosed
		case c.session != nil:
			c.mu.Unlock()
			return nil, nil, nil
		case c.attempt == nil:
			dialCtx, cancel := context.WithCancel(ctx)
			a := &attempt{cancel: cancel}
			c.attempt = a
			c.mu.Unlock()
			return a, dialCtx, nil
		}
		c.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// end removes an attempt; false means that another, or a stream, took its place.
func (c *Conversation) end(a *attempt) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.attempt != a {
		return false
	}
	c.attempt = nil
	c.signal()
	return true
}

// awaitStream waits for the stream that the other side is opening, for a while.
func (c *Conversation) awaitStream(ctx context.Context) error {
	late := time.NewTimer(c.service.timing.handshake)
	defer late.Stop()
	for {
		c.mu.Lock()
		there, changed := c.session != nil || c.attempt != nil || c.closed, c.changed
		c.mu.Unlock()
		if there {
			return nil
		}
		select {
		case <-changed:
		case <-late.C:
			return fmt.Errorf("%w: %s: it opened a stream, and that did not come", ErrOffline, c.peer)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// dial opens a stream.
func (c *Conversation) dial(ctx context.Context, a *attempt) error {
	s := c.service
	if err := c.ready(); err != nil {
		return err
	}
	libp2p := s.node.Host().Network()
	connected := libp2p.Connectedness(c.peer) == network.Connected
	conn, err := s.node.Dial(ctx, c.peer, wire.ChatService)
	if err != nil && connected && libp2p.Connectedness(c.peer) != network.Connected {
		// The connection that there was had just ended; a new one may do.
		conn, err = s.node.Dial(ctx, c.peer, wire.ChatService)
	}
	switch {
	case err == nil:
	case errors.Is(err, p2p.ErrNoService):
		return &RefusedError{c.peer, "it runs no chat"}
	case errors.Is(err, p2p.ErrServiceBusy):
		return &RefusedError{c.peer, "it takes no more conversations now"}
	case errors.Is(err, p2p.ErrOtherNetwork):
		return &RefusedError{c.peer, "it is in another network"}
	default:
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	err = c.greet(conn, a)
	if !stop() && err == nil {
		return nil // in use before it was cancelled
	}
	if err != nil {
		_ = conn.Close()
	}
	return err
}

// greet is the dialler's part of the handshake.
func (c *Conversation) greet(conn net.Conn, a *attempt) error {
	s := c.service
	if err := conn.SetDeadline(time.Now().Add(s.timing.handshake)); err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	if err := writeFrame(conn, hello{s.name, c.history.lastReceived()}); err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	r := bufio.NewReader(conn)
	f, err := readFrame(r)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	switch f := f.(type) {
	case hello:
		return c.install(a, conn, r, f)
	case refusal:
		if f.code == pb.ChatRefusalCode_CHAT_REFUSAL_GLARE {
			return errGlare
		}
		return &RefusedError{c.peer, f.reason}
	default:
		return fmt.Errorf("%w: %w: %T instead of a hello", ErrOffline, wire.ErrMalformed, f)
	}
}

// listen takes the streams that others open.
func (s *Service) listen() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // closed
		}
		remote, ok := conn.RemoteAddr().(streamconn.Addr)
		if !ok || !s.mayOpen(remote.Peer) || !s.enter() {
			_ = conn.Close()
			continue
		}
		select {
		case s.places <- struct{}{}:
		default:
			s.log.Warn("stream dropped: too many are being opened", "peer", remote.Peer)
			_ = conn.Close()
			s.wg.Done()
			continue
		}
		go func() {
			defer s.wg.Done()
			defer func() { <-s.places }()
			if err := s.admit(conn, remote.Peer); err != nil {
				s.log.Info("conversation not opened", "peer", remote.Peer, "error", err)
				_ = conn.Close()
			}
		}()
	}
}

// mayOpen tells whether a peer keeps the rate of opening streams.
func (s *Service) mayOpen(id peer.ID) bool {
	l, ok := s.rates.Get(id)
	if !ok {
		l = rate.NewLimiter(handshakeRate, handshakeBurst)
		s.rates.Add(id, l)
	}
	return l.Allow()
}

// admit is the listener's part of the handshake.
func (s *Service) admit(conn net.Conn, remote peer.ID) error {
	if err := conn.SetDeadline(time.Now().Add(s.timing.handshake)); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	f, err := readFrame(r)
	if err != nil {
		return err
	}
	theirs, ok := f.(hello)
	if !ok {
		return fmt.Errorf("%w: %T instead of a hello", wire.ErrMalformed, f)
	}
	refuse := func(code pb.ChatRefusalCode, reason string) error {
		reason = display.Line(reason)
		err := writeFrame(conn, refusal{code, reason[:min(len(reason), maxReason)]})
		return errors.Join(fmt.Errorf("refused: %s: %s", code, reason), err)
	}
	if s.accept != nil && !s.known(remote) {
		name := display.Line(theirs.name)
		if err := s.accept(Request{remote, name, s.contacts.standing(name, remote)}); err != nil {
			return refuse(pb.ChatRefusalCode_CHAT_REFUSAL_DECLINED, err.Error())
		}
	}
	c, err := s.hold(remote)
	switch {
	case errors.Is(err, ErrFull), errors.Is(err, ErrClosed):
		return refuse(pb.ChatRefusalCode_CHAT_REFUSAL_BUSY, "no more conversations now")
	case err != nil:
		s.log.Error("history cannot be opened", "peer", remote, "error", err)
		return refuse(pb.ChatRefusalCode_CHAT_REFUSAL_STORAGE, "messages cannot be kept here now")
	}
	defer s.release(c)
	a := &attempt{incoming: true, cancel: func() { _ = conn.Close() }}
	if !c.giveWay(a) {
		return refuse(pb.ChatRefusalCode_CHAT_REFUSAL_GLARE, "")
	}
	defer c.end(a)
	if err := writeFrame(conn, hello{s.name, c.history.lastReceived()}); err != nil {
		return err
	}
	if f, err = readFrame(r); err != nil {
		return err
	}
	if _, ok := f.(ready); !ok {
		return fmt.Errorf("%w: %T instead of ready", wire.ErrMalformed, f)
	}
	return c.install(a, conn, r, theirs)
}

// giveWay lets another's attempt take the place of ours; false means that ours
// stays, because our peer ID is the lower.
func (c *Conversation) giveWay(a *attempt) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if old := c.attempt; old != nil {
		if !old.incoming && c.service.node.ID() < c.peer {
			return false
		}
		old.cancel()
	}
	c.attempt = a
	c.signal()
	return true
}

// install puts a stream to use, in place of an older one.
func (c *Conversation) install(a *attempt, conn net.Conn, r *bufio.Reader, theirs hello) error {
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("%w: %w", ErrOffline, err)
	}
	if !c.service.enter() {
		return ErrClosed
	}
	c.sending.Lock() // nobody numbers a text meanwhile
	c.mu.Lock()
	first := !c.opened
	err := c.adopt(a, theirs, first)
	if err != nil {
		c.mu.Unlock()
		c.sending.Unlock()
		c.service.wg.Done()
		return err
	}
	s := newSession(c, conn, r, !a.incoming, theirs.received)
	old := c.session
	c.session, c.attempt, c.opened = s, nil, true
	c.hint = display.Line(theirs.name)
	c.acknowledged(theirs.received)
	c.signal()
	c.mu.Unlock()
	c.sending.Unlock()
	if old != nil {
		old.stop()
	}
	if first && a.incoming {
		c.service.events.Publish(Event{Kind: Incoming, Conversation: c})
	}
	c.service.events.Publish(Event{Kind: Connected, Conversation: c})
	go s.run()
	return nil
}

// adopt checks the other side's word on our texts, and goes on numbering where it
// says if we have forgotten. It is called with sending and mu held.
func (c *Conversation) adopt(a *attempt, theirs hello, first bool) error {
	switch {
	case c.attempt != a:
		return errAbandoned
	case c.closed:
		return ErrClosed
	case theirs.received <= c.history.lastSent():
		return nil
	case !first:
		return fmt.Errorf("%w: it acknowledges number %d, which was not sent", wire.ErrMalformed, theirs.received)
	}
	c.history.skipTo(theirs.received)
	return nil
}
