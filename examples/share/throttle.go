package main

import (
	"net"
	"sync"
)

// throttle bounds what goes on at once, in all and for each peer. Make it with its
// limits.
type throttle struct {
	all, each int

	mu    sync.Mutex
	count int
	of    map[string]int // by peer; only those above zero
}

func newThrottle(all, each int) *throttle {
	return &throttle{all: all, each: each, of: map[string]int{}}
}

// enter tells whether one more may begin; leave is then called once.
func (t *throttle) enter(peer string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count >= t.all || t.of[peer] >= t.each {
		return false
	}
	t.count++
	t.of[peer]++
	return true
}

func (t *throttle) leave(peer string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count--
	if t.of[peer]--; t.of[peer] == 0 {
		delete(t.of, peer)
	}
}

// throttled closes the conns that are over the limits.
type throttled struct {
	net.Listener
	conns *throttle
}

func (l throttled) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		who := c.RemoteAddr().String()
		if l.conns.enter(who) {
			return &throttledConn{Conn: c, leave: sync.OnceFunc(func() { l.conns.leave(who) })}, nil
		}
		_ = c.Close()
	}
}

type throttledConn struct {
	net.Conn
	leave func()
}

func (c *throttledConn) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
