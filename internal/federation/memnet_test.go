package federation

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/streamconn"
)

// memNet is a network in memory whose links can be cut, in each direction by
// itself, and slow. What is sent over a cut link arrives when it is whole again, if
// both sides still wait.
type memNet struct {
	mu        sync.Mutex
	cond      *sync.Cond
	rng       *rand.Rand
	delay     time.Duration // at most
	listeners map[streamconn.Addr]*memListener
	cuts      map[[2]peer.ID]bool // from, to
	conns     map[*memConn]bool
}

func newMemNet(seed uint64) *memNet {
	n := &memNet{
		rng: rand.New(rand.NewPCG(seed, 1)), listeners: map[streamconn.Addr]*memListener{},
		cuts: map[[2]peer.ID]bool{}, conns: map[*memConn]bool{},
	}
	n.cond = sync.NewCond(&n.mu)
	return n
}

func (n *memNet) at(who peer.ID) *memHost { return &memHost{n, who} }

func (n *memNet) set(change func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change()
	n.cond.Broadcast()
}

func (n *memNet) cut(from, to peer.ID) { n.set(func() { n.cuts[[2]peer.ID{from, to}] = true }) }

func (n *memNet) heal() { n.set(func() { clear(n.cuts) }) }

func (n *memNet) slow(d time.Duration) { n.set(func() { n.delay = d }) }

// kill breaks all conns of a server and ends its listening.
func (n *memNet) kill(who peer.ID) {
	n.set(func() {
		for c := range n.conns {
			if c.local.Peer == who || c.remote.Peer == who {
				c.broken = true
				c.other.broken = true
			}
		}
		for addr, l := range n.listeners {
			if addr.Peer == who {
				l.closed = true
				delete(n.listeners, addr)
			}
		}
	})
}

// wait waits, with the lock, for a change or until a time, if it is not zero.
func (n *memNet) wait(until time.Time) {
	if until.IsZero() {
		n.cond.Wait()
		return
	}
	timer := time.AfterFunc(time.Until(until), func() { n.set(func() {}) })
	n.cond.Wait()
	timer.Stop()
}

func (n *memNet) due() time.Time {
	if n.delay == 0 {
		return time.Now()
	}
	return time.Now().Add(time.Duration(n.rng.Int64N(int64(n.delay))))
}

// memHost is one server's side of the network.
type memHost struct {
	net *memNet
	who peer.ID
}

var _ Network = (*memHost)(nil)

func (h *memHost) Dial(ctx context.Context, to peer.AddrInfo, protocol string) (net.Conn, error) {
	n := h.net
	stop := context.AfterFunc(ctx, func() { n.set(func() {}) })
	defer stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	arrives := n.due()
	for {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		whole := !n.cuts[[2]peer.ID{h.who, to.ID}] && !n.cuts[[2]peer.ID{to.ID, h.who}]
		if whole && !arrives.After(time.Now()) {
			break
		}
		if whole {
			n.wait(arrives)
		} else {
			n.cond.Wait()
		}
	}
	l := n.listeners[streamconn.Addr{Peer: to.ID, Service: protocol}]
	if l == nil {
		return nil, errors.New("connection refused")
	}
	here, there := &memConn{net: n}, &memConn{net: n}
	here.local = streamconn.Addr{Peer: h.who, Service: protocol}
	here.remote = streamconn.Addr{Peer: to.ID, Service: protocol}
	there.local, there.remote = here.remote, here.local
	here.other, there.other = there, here
	n.conns[here], n.conns[there] = true, true
	l.queue = append(l.queue, there)
	n.cond.Broadcast()
	return here, nil
}

func (h *memHost) Listen(protocol string) (net.Listener, error) {
	l := &memListener{net: h.net, addr: streamconn.Addr{Peer: h.who, Service: protocol}}
	h.net.set(func() { h.net.listeners[l.addr] = l })
	return l, nil
}

type memListener struct {
	net    *memNet
	addr   streamconn.Addr
	queue  []*memConn
	closed bool
}

func (l *memListener) Accept() (net.Conn, error) {
	l.net.mu.Lock()
	defer l.net.mu.Unlock()
	for len(l.queue) == 0 && !l.closed {
		l.net.cond.Wait()
	}
	if l.closed {
		return nil, net.ErrClosed
	}
	c := l.queue[0]
	l.queue = l.queue[1:]
	return c, nil
}

func (l *memListener) Close() error {
	l.net.set(func() {
		l.closed = true
		for _, c := range l.queue {
			c.broken, c.other.broken = true, true
		}
		if l.net.listeners[l.addr] == l {
			delete(l.net.listeners, l.addr)
		}
	})
	return nil
}

func (l *memListener) Addr() net.Addr { return l.addr }

type chunk struct {
	data []byte
	due  time.Time
}

// memConn is one end; it holds what is on its way to it.
type memConn struct {
	net           *memNet
	local, remote streamconn.Addr
	other         *memConn
	in            []chunk
	closed        bool
	broken        bool
	deadline      time.Time
}

func (c *memConn) Read(b []byte) (int, error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	for {
		now := time.Now()
		whole := !c.net.cuts[[2]peer.ID{c.remote.Peer, c.local.Peer}]
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case c.broken:
			return 0, errors.New("connection reset")
		case !c.deadline.IsZero() && !c.deadline.After(now):
			return 0, os.ErrDeadlineExceeded
		case whole && len(c.in) > 0 && !c.in[0].due.After(now):
			k := copy(b, c.in[0].data)
			if c.in[0].data = c.in[0].data[k:]; len(c.in[0].data) == 0 {
				c.in = c.in[1:]
			}
			return k, nil
		case whole && len(c.in) == 0 && c.other.closed:
			return 0, io.EOF
		}
		until := c.deadline
		if whole && len(c.in) > 0 && (until.IsZero() || c.in[0].due.Before(until)) {
			until = c.in[0].due
		}
		c.net.wait(until)
	}
}

func (c *memConn) Write(b []byte) (int, error) {
	c.net.mu.Lock()
	defer c.net.mu.Unlock()
	switch {
	case c.closed:
		return 0, net.ErrClosed
	case c.broken || c.other.closed:
		return 0, errors.New("broken pipe")
	}
	due := c.net.due()
	if n := len(c.other.in); n > 0 && due.Before(c.other.in[n-1].due) {
		due = c.other.in[n-1].due
	}
	c.other.in = append(c.other.in, chunk{slices.Clone(b), due})
	c.net.cond.Broadcast()
	return len(b), nil
}

func (c *memConn) Close() error {
	c.net.set(func() {
		c.closed = true
		delete(c.net.conns, c)
	})
	return nil
}

func (c *memConn) LocalAddr() net.Addr                { return c.local }
func (c *memConn) RemoteAddr() net.Addr               { return c.remote }
func (c *memConn) SetDeadline(t time.Time) error      { return c.SetReadDeadline(t) }
func (c *memConn) SetWriteDeadline(t time.Time) error { return nil }
func (c *memConn) SetReadDeadline(t time.Time) error {
	c.net.set(func() { c.deadline = t })
	return nil
}
