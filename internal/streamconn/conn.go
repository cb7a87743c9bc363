// Package streamconn makes libp2p streams behave as net.Conn users expect:
// errors that net understands, a Close that unblocks what waits and still lets
// the other side read what was written, half-close, deadlines, addresses.
package streamconn

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// linger is how long a closed conn goes on discarding what the other side still
// sends, so that it reads our last bytes instead of a reset. A guess: a round
// trip and a slow program.
const linger = 5 * time.Second

// Addr is the address of a conn's end: a service at a peer.
type Addr struct {
	Peer    peer.ID
	Service string
}

var _ net.Addr = Addr{}

// Network returns "libp2p".
func (a Addr) Network() string { return "libp2p" }

// String returns the peer ID and the service's name, "12D3Koo.../files".
func (a Addr) String() string { return a.Peer.String() + "/" + a.Service }

// Conn is a net.Conn over one libp2p stream. Its methods may be called
// concurrently. Make it with [Set.Wrap].
type Conn struct {
	stream        network.Stream
	set           *Set
	local, remote Addr

	closed atomic.Bool
	sawEOF atomic.Bool

	readMu  sync.Mutex // held during a Read, so that Close can wait for it
	writeMu sync.Mutex // the same for a Write
}

var _ net.Conn = (*Conn)(nil)

// LocalAddr returns our end's [Addr].
func (c *Conn) LocalAddr() net.Addr { return c.local }

// RemoteAddr returns the other end's [Addr]; its peer ID is proved.
func (c *Conn) RemoteAddr() net.Addr { return c.remote }

// Read reads from the stream; io.EOF is the other side's CloseWrite or Close.
func (c *Conn) Read(p []byte) (int, error) {
	c.readMu.Lock()
	defer c.readMu.Unlock()
	if c.closed.Load() {
		return 0, c.opError("read", net.ErrClosed)
	}
	n, err := c.stream.Read(p)
	if errors.Is(err, io.EOF) {
		c.sawEOF.Store(true)
		return n, io.EOF
	}
	return n, c.opError("read", err)
}

// Write writes all of p, or fails.
func (c *Conn) Write(p []byte) (int, error) {
	c.writeMu.Lock()
	defer c.writeMu.Unlock()
	if c.closed.Load() {
		return 0, c.opError("write", net.ErrClosed)
	}
	n, err := c.stream.Write(p)
	return n, c.opError("write", err)
}

// CloseWrite ends our direction: the other side reads io.EOF, and we may go on
// reading.
func (c *Conn) CloseWrite() error {
	if c.closed.Load() {
		return c.opError("close", net.ErrClosed)
	}
	return c.opError("close", c.stream.CloseWrite())
}

// Close ends both directions. What was written before is still delivered.
func (c *Conn) Close() error {
	if c.closed.Swap(true) {
		return c.opError("close", net.ErrClosed)
	}
	past := time.Unix(1, 0)
	_ = c.stream.SetDeadline(past) // unblocks a Read or Write under way
	c.writeMu.Lock()
	_ = c.stream.SetWriteDeadline(time.Time{})
	err := c.stream.CloseWrite()
	c.writeMu.Unlock()
	if err != nil {
		_ = c.stream.Reset()
		c.set.done(c)
		return nil // the other side was gone first; net's Close says nothing either
	}
	go c.drain()
	return nil
}

// drain discards until the other side has closed too.
func (c *Conn) drain() {
	defer c.set.done(c)
	c.readMu.Lock()
	defer c.readMu.Unlock()
	if !c.sawEOF.Load() {
		_ = c.stream.SetReadDeadline(time.Now().Add(linger))
		if _, err := io.Copy(io.Discard, c.stream); err != nil {
			_ = c.stream.Reset()
			return
		}
	}
	_ = c.stream.Close()
}

// reset ends the conn at once, from any state.
func (c *Conn) reset() {
	c.closed.Store(true)
	_ = c.stream.Reset()
}

// SetDeadline sets both deadlines; a zero time means none.
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline bounds Reads, those under way included.
func (c *Conn) SetReadDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.opError("set", net.ErrClosed)
	}
	return c.opError("set", c.stream.SetReadDeadline(t))
}

// SetWriteDeadline bounds Writes, those under way included.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	if c.closed.Load() {
		return c.opError("set", net.ErrClosed)
	}
	return c.opError("set", c.stream.SetWriteDeadline(t))
}

// opError translates a stream's error into what package net would return.
func (c *Conn) opError(op string, err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return nil
	case c.closed.Load():
		err = net.ErrClosed
	case errors.As(err, &timeout) && timeout.Timeout():
		err = os.ErrDeadlineExceeded
	case errors.Is(err, network.ErrReset):
		err = syscall.ECONNRESET
	}
	return &net.OpError{Op: op, Net: "libp2p", Source: c.local, Addr: c.remote, Err: err}
}

// Set is the conns of one owner. Its zero value is ready; it may be used
// concurrently.
type Set struct {
	mu     sync.Mutex
	conns  map[*Conn]struct{}
	closed bool
	wg     sync.WaitGroup
}

// Wrap makes stream a Conn of the set. After Close of the set it is reset.
func (s *Set) Wrap(stream network.Stream, local, remote Addr) *Conn {
	c := &Conn{stream: stream, set: s, local: local, remote: remote}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.reset()
		return c
	}
	if s.conns == nil {
		s.conns = make(map[*Conn]struct{})
	}
	s.conns[c] = struct{}{}
	s.wg.Add(1)
	return c
}

// Len is the number of conns not yet closed.
func (s *Set) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

// Close resets every conn that is still open and waits until all is released.
func (s *Set) Close() {
	s.mu.Lock()
	s.closed = true
	for c := range s.conns {
		open := !c.closed.Load()
		c.reset()
		if open {
			s.forget(c)
		}
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *Set) done(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(c)
}

func (s *Set) forget(c *Conn) {
	if _, there := s.conns[c]; there {
		delete(s.conns, c)
		s.wg.Done()
	}
}
