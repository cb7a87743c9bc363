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
	inAll  int
	closed bool
	wg     sync.WaitGroup
}

// conn is a net.Conn of a server whose peer ID is proved.
type conn struct {
	net.Conn
	peer  peer.ID
	owner *conns
	in    bool
	once  sync.Once

	// idle and write, if not zero, bound each Read and Write.
	idle, write time.Duration
}

// remotePeer tells who is at the other end.
func remotePeer(c net.Conn) peer.ID {
	addr, _ := c.RemoteAddr().(streamconn.Addr)
	return addr.Peer
}

// add takes a conn in, and returns nil, with the conn closed, if there are too many.
func (s *conns) add(c net.Conn, in bool) *conn {
	own := &conn{Conn: c, peer: remotePeer(c), owner: s, in: in}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || in && (s.inAll >= maxConns || s.in[own.peer] >= maxConnsPerPeer) {
		_ = c.Close()
		return nil
	}
	s.open[own] = struct{}{}
	s.wg.Add(1)
	if in {
		s.inAll++
		s.in[own.peer]++
	}
	return own
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
		if c.in {
			s.inAll--
			if s.in[c.peer]--; s.in[c.peer] == 0 {
				delete(s.in, c.peer)
			}
		}
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
