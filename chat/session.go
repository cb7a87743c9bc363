package chat

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// session is one stream in use. Three goroutines serve it: one reads, one makes
// durable what was read, one writes. It ends when any of them does.
type session struct {
	conversation *Conversation
	conn         net.Conn
	reader       *bufio.Reader
	wake         chan struct{} // there is something to write
	arrived      chan arrival
	done         chan struct{} // closed when all is over
	signs        *rate.Limiter // of what says nothing new
	acked        uint64        // by the other side; for read alone

	ctx  context.Context // ends when the stream does
	stop context.CancelFunc

	// Guarded by conversation.mu.
	greeting bool   // ready is to be sent first
	leaving  bool   // bye is to be sent
	written  uint64 // the highest number of ours that was written, or needs not be
	due      uint64 // the highest number of theirs to acknowledge
	told     uint64 // the highest that was
}

// arrival is what the reader hands on to be kept: a text, or an acknowledgement.
type arrival struct {
	text      text
	delivered uint64
}

func newSession(c *Conversation, conn net.Conn, r *bufio.Reader, dialled bool, received uint64) *session {
	s := &session{
		conversation: c,
		conn:         conn,
		reader:       r,
		wake:         make(chan struct{}, 1),
		arrived:      make(chan arrival, keepQueue),
		done:         make(chan struct{}),
		greeting:     dialled,
		written:      received,
		signs:        rate.NewLimiter(signRate, signBurst),
		acked:        received,
	}
	s.ctx, s.stop = context.WithCancel(c.service.ctx)
	return s
}

// run serves the stream until it ends.
func (s *session) run() {
	c := s.conversation
	defer c.service.wg.Done()
	defer close(s.done)
	context.AfterFunc(s.ctx, func() { _ = s.conn.Close() })
	var failures [3]error
	var parts sync.WaitGroup
	part := func(i int, f func() error) {
		parts.Go(func() {
			defer s.stop()
			failures[i] = f()
		})
	}
	part(0, s.read)
	part(1, s.keep)
	part(2, s.write)
	parts.Wait()
	c.lost(s, cause(failures))
}

// cause picks the error that ended a session from those of its parts: what is
// wrong here or there explains more than that the stream is gone.
func cause(failures [3]error) error {
	read, keep, write := failures[0], failures[1], failures[2]
	switch {
	case keep != nil:
		return keep
	case errors.Is(read, ErrLeft), errors.Is(read, wire.ErrMalformed), errors.Is(read, wire.ErrTooLarge):
		return read
	case write != nil:
		return fmt.Errorf("%w: %w", ErrDisconnected, write)
	case read != nil:
		return fmt.Errorf("%w: %w", ErrDisconnected, read)
	default:
		return ErrDisconnected
	}
}

// read takes frames from the stream.
func (s *session) read() error {
	defer close(s.arrived)
	c := s.conversation
	var last uint64
	for {
		if err := s.conn.SetReadDeadline(time.Now().Add(c.service.timing.idle)); err != nil {
			return err
		}
		f, err := readFrame(s.reader)
		if errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF // without a goodbye
		}
		if err != nil {
			return err
		}
		switch f := f.(type) {
		case ping:
			if err := s.signs.Wait(s.ctx); err != nil {
				return err
			}
		case text:
			if f.seq <= last {
				return fmt.Errorf("%w: text %d after %d", wire.ErrMalformed, f.seq, last)
			}
			last = f.seq
			if err := c.rate.Wait(s.ctx); err != nil {
				return err
			}
			s.arrived <- arrival{text: f} // the keeper takes all until this closes
		case ack:
			if err := s.acknowledge(f.seq); err != nil {
				return err
			}
			if f.seq <= s.acked {
				if err := s.signs.Wait(s.ctx); err != nil {
					return err
				}
			}
			s.acked = max(s.acked, f.seq)
			s.arrived <- arrival{delivered: f.seq}
		case bye:
			return ErrLeft
		default:
			return fmt.Errorf("%w: %T on an open stream", wire.ErrMalformed, f)
		}
	}
}

func (s *session) acknowledge(seq uint64) error {
	c := s.conversation
	c.mu.Lock()
	defer c.mu.Unlock()
	if seq > s.written {
		return fmt.Errorf("%w: it acknowledges number %d, which was not sent", wire.ErrMalformed, seq)
	}
	c.acknowledged(seq)
	return nil
}

// keep makes what was read durable, as much at a time as there is, and has it
// acknowledged. After an error it takes the rest and drops it.
func (s *session) keep() (err error) {
	for first := range s.arrived {
		var texts []text
		var delivered uint64
		take := func(a arrival) {
			if a.text.seq > 0 {
				texts = append(texts, a.text)
			}
			delivered = max(delivered, a.delivered)
		}
		take(first)
		for len(texts) < keepQueue && len(s.arrived) > 0 {
			take(<-s.arrived)
		}
		if err != nil {
			continue
		}
		last, failed := s.conversation.keep(texts, delivered)
		if failed != nil {
			err = failed
			s.stop() // nothing is acknowledged any more
			continue
		}
		if len(texts) > 0 {
			s.owe(last)
		}
	}
	return err
}

// owe has texts acknowledged up to seq, duplicates again.
func (s *session) owe(seq uint64) {
	c := s.conversation
	c.mu.Lock()
	s.due, s.told = seq, min(s.told, seq-1)
	c.mu.Unlock()
	s.poke()
}

func (s *session) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// write sends what there is to send, and signs of life.
func (s *session) write() error {
	c := s.conversation
	every := time.NewTicker(c.service.timing.ping)
	defer every.Stop()
	w := bufio.NewWriter(s.conn)
	for {
		frames, last, over := s.next()
		if len(frames) == 0 {
			select {
			case <-s.ctx.Done():
				return nil
			case <-s.wake:
				continue
			case <-every.C:
				frames = []frame{ping{}}
			}
		}
		if err := s.conn.SetWriteDeadline(time.Now().Add(c.service.timing.write)); err != nil {
			return err
		}
		for _, f := range frames {
			if err := writeFrame(w, f); err != nil {
				return err
			}
		}
		if err := w.Flush(); err != nil {
			return err
		}
		c.sentUpTo(last)
		if over {
			return nil
		}
	}
}

// batch is the number of texts written at once.
const batch = 16

// next returns what is to be written now, the highest number of a text so far, and
// whether
// that is the end.
func (s *session) next() (frames []frame, written uint64, over bool) {
	c := s.conversation
	c.mu.Lock()
	defer c.mu.Unlock()
	if s.greeting {
		s.greeting = false
		frames = append(frames, ready{})
	}
	if s.due > s.told {
		s.told = s.due
		frames = append(frames, ack{s.due})
	}
	if s.leaving {
		return append(frames, bye{}), 0, true
	}
	for _, o := range c.pending {
		if o.text.seq <= s.written {
			continue
		}
		if len(frames) >= batch {
			break
		}
		s.written = o.text.seq
		frames = append(frames, o.text)
	}
	return frames, s.written, false
}

// sentUpTo marks texts as written.
func (c *Conversation) sentUpTo(seq uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := false
	for _, o := range c.pending {
		if o.text.seq > seq {
			break
		}
		if o.state < Sent {
			o.state, changed = Sent, true
		}
	}
	if changed {
		c.signal()
	}
}

// leave says goodbye and returns when the session is over.
func (s *session) leave() {
	c := s.conversation
	c.mu.Lock()
	s.leaving = true
	c.mu.Unlock()
	s.poke()
	late := time.NewTimer(c.service.timing.bye)
	defer late.Stop()
	select {
	case <-s.done:
	case <-late.C:
		s.stop()
		<-s.done
	}
}
