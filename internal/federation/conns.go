package federation

import (
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/streamconn"
)

// conns are those of one federation, so that it can end them all, with bounds on
// those that come in.
type conns struct {
	mu     sync.Mutex
	open   map[*conn]struct{}
	in     map[peer.ID]int
	coming [strangers + 1]int // of each kind
	closed bool
	wg     sync.WaitGroup
}

// conn is a net.Conn of a server whose peer ID is proved.
type conn struct {
	net.Conn
	peer  peer.ID
	owner *conns
	kind  kind
	once  sync.Once

	// idle and write, if not zero, bound each Read and Write.
	idle, write time.Duration
}

// kind is who opened a conn.
type kind uint8

const (
	ours kind = iota
	members
	strangers
)

// remotePeer tells who is at the other end.
func remotePeer(c net.Conn) peer.ID {
	addr, _ := c.RemoteAddr().(streamconn.Addr)
	return addr.Peer
}

// add takes a conn in that this server opened, and returns nil, with the conn closed,
// if it is too late.
func (s *conns) add(c net.Conn) *conn { return s.take(c, ours) }

// admit takes a conn in that another opened, and returns nil, with the conn closed, if
// there are too many.
func (s *conns) admit(c net.Conn, member bool) *conn {
	if member {
		return s.take(c, members)
	}
	return s.take(c, strangers)
}

func (s *conns) take(c net.Conn, k kind) *conn {
	own := &conn{Conn: c, peer: remotePeer(c), owner: s, kind: k}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || !s.room(own.peer, k) {
		_ = c.Close()
		return nil
	}
	s.open[own] = struct{}{}
	s.wg.Add(1)
	s.count(own, 1)
	return own
}

func (s *conns) room(from peer.ID, k kind) bool {
	switch k {
	case members:
		return s.coming[k] < maxConns && s.in[from] < maxConnsPerPeer
	case strangers:
		return s.coming[k] < maxStrangers && s.in[from] < maxConnsPerStranger
	}
	return true
}

// count adds a conn to those that are in, or takes it out.
func (s *conns) count(c *conn, n int) {
	if c.kind == ours {
		return
	}
	s.coming[c.kind] += n
	if s.in[c.peer] += n; s.in[c.peer] == 0 {
		delete(s.in, c.peer)
	}
}

func (c *conn) Read(b []byte) (int, error) {
	if c.idle > 0 {
		_ = c.SetReadDeadline(time.Now().Add(c.idle))
	}
	return c.Conn.Read(b)
}

func (c *conn) Write(b []byte) (int, error) {
	if c.write > 0 {
		_ = c.SetWriteDeadline(time.Now().Add(c.write))
	}
	return c.Conn.Write(b)
}

// Close is called by whoever uses the conn, when it is done with it.
func (c *conn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		s := c.owner
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.open, c)
		s.count(c, -1)
		s.wg.Done()
	})
	return err
}

// end closes all beneath those who use them, and takes no more.
func (s *conns) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for c := range s.open {
		_ = c.Conn.Close()
	}
}

// wait returns when everybody is done.
func (s *conns) wait() { s.wg.Wait() }

// unbuffered reads frames without taking what follows them.
type unbuffered struct{ net.Conn }

func (u unbuffered) ReadByte() (byte, error) {
	var b [1]byte
	for {
		if n, err := u.Read(b[:]); n > 0 || err != nil {
			return b[0], err
		}
	}
}
