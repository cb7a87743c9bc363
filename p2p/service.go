package p2p

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/dialcause"
	"github.com/grapevine-p2p/grapevine/internal/streamconn"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Errors of Listen and Dial.
var (
	ErrServiceInUse = errors.New("service already listened for")
	ErrBadService   = errors.New("bad service name")
	ErrNoService    = errors.New("the peer has no such service")
	ErrServiceBusy  = errors.New("the peer's service takes no more conns now")
	ErrOtherNetwork = errors.New("the peer is in another network")
)

// Listen returns a net.Listener for a service: whoever dials its name at this node
// becomes a net.Conn with a proved remote address. Any server that takes a
// net.Listener runs on it. Names are 1 to 64 bytes of UTF-8; one listener a name.
func (n *Node) Listen(service string) (net.Listener, error) {
	if err := checkService(service); err != nil {
		return nil, fmt.Errorf("listen for service %q: %w", service, err)
	}
	l := &listener{
		node:   n,
		addr:   streamconn.Addr{Peer: n.ID(), Service: service},
		queue:  make(chan net.Conn, acceptQueue),
		closed: make(chan struct{}),
	}
	if err := n.services.add(service, l); err != nil {
		return nil, fmt.Errorf("listen for service %q: %w", service, err)
	}
	return l, nil
}

func checkService(name string) error {
	if name == "" || len(name) > wire.MaxServiceName || !utf8.ValidString(name) {
		return fmt.Errorf("%w: want 1 to %d bytes of UTF-8", ErrBadService, wire.MaxServiceName)
	}
	return nil
}

// Dial opens a conn to a service at a peer whose addresses are known: from a hit of
// the last two minutes, from Join, or from the host's peerstore. It takes 15 s at
// most.
func (n *Node) Dial(ctx context.Context, id peer.ID, service string) (net.Conn, error) {
	conn, err := n.dialService(ctx, id, service)
	if err != nil {
		return nil, fmt.Errorf("dial service %q at %s: %w", service, id, err)
	}
	return conn, nil
}

func (n *Node) dialService(ctx context.Context, id peer.ID, service string) (net.Conn, error) {
	if err := checkService(service); err != nil {
		return nil, err
	}
	if !n.enter() {
		return nil, ErrClosed
	}
	defer n.wg.Done()
	ctx, cancel := context.WithTimeout(ctx, serviceDialTimeout)
	defer cancel()
	stopClose := context.AfterFunc(n.ctx, cancel)
	defer stopClose()
	n.forgetBackoff(id) // somebody asked for it now
	stream, err := n.host.NewStream(ctx, id, wire.Service)
	if err != nil {
		return nil, dialcause.First(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	err = n.openService(stream, service)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		_ = stream.Reset()
		return nil, err
	}
	return n.conns.Wrap(stream, streamconn.Addr{Peer: n.ID(), Service: service}, streamconn.Addr{Peer: id, Service: service}), nil
}

func (n *Node) openService(stream network.Stream, service string) error {
	if err := stream.SetDeadline(time.Now().Add(serviceDialTimeout)); err != nil {
		return err
	}
	if err := wire.WriteFrame(stream, wire.MaxControlFrame, &pb.Open{Network: n.network, Service: service}); err != nil {
		return err
	}
	var opened pb.Opened
	if err := wire.ReadFrame(byteReader{stream}, wire.MaxControlFrame, &opened); err != nil {
		return err
	}
	var refused error
	switch opened.GetStatus() {
	case pb.OpenStatus_OPEN_ACCEPTED:
		return stream.SetDeadline(time.Time{})
	case pb.OpenStatus_OPEN_NO_SERVICE:
		refused = ErrNoService
	case pb.OpenStatus_OPEN_BUSY:
		refused = ErrServiceBusy
	case pb.OpenStatus_OPEN_OTHER_NETWORK:
		refused = ErrOtherNetwork
	default:
		return fmt.Errorf("refused: %q", opened.GetReason()[:min(len(opened.GetReason()), wire.MaxReason)])
	}
	return refused
}

// acceptService is the handler of streams that peers open to a service.
func (n *Node) acceptService(stream network.Stream) {
	if !n.enter() {
		_ = stream.Reset()
		return
	}
	defer n.wg.Done()
	stop := context.AfterFunc(n.ctx, func() { _ = stream.Reset() })
	defer stop()
	if err := n.admitService(stream); err != nil {
		n.log.Debug("service stream refused", "peer", stream.Conn().RemotePeer(), "error", err)
		_ = stream.Reset()
	}
}

func (n *Node) admitService(stream network.Stream) error {
	if err := stream.SetDeadline(time.Now().Add(openTimeout)); err != nil {
		return err
	}
	var open pb.Open
	if err := wire.ReadFrame(byteReader{stream}, wire.MaxControlFrame, &open); err != nil {
		return err
	}
	refuse := func(status pb.OpenStatus, reason string) error {
		err := wire.WriteFrame(stream, wire.MaxControlFrame, &pb.Opened{Status: status, Reason: reason})
		return errors.Join(err, stream.Close())
	}
	if open.GetNetwork() != n.network {
		return refuse(pb.OpenStatus_OPEN_OTHER_NETWORK, fmt.Sprintf("this is the network %q", n.network))
	}
	l := n.services.find(open.GetService())
	switch {
	case l == nil:
		return refuse(pb.OpenStatus_OPEN_NO_SERVICE, "no such service")
	case n.conns.Len() >= maxServiceConns || !l.reserve():
		return refuse(pb.OpenStatus_OPEN_BUSY, "too many conns")
	}
	err := wire.WriteFrame(stream, wire.MaxControlFrame, &pb.Opened{Status: pb.OpenStatus_OPEN_ACCEPTED})
	if err == nil {
		err = stream.SetDeadline(time.Time{})
	}
	if err != nil {
		l.release()
		return err
	}
	remote := streamconn.Addr{Peer: stream.Conn().RemotePeer(), Service: l.addr.Service}
	l.deliver(n.conns.Wrap(stream, l.addr, remote))
	return nil
}

// listener is the net.Listener of one service.
type listener struct {
	node   *Node
	addr   streamconn.Addr
	queue  chan net.Conn
	closed chan struct{}

	mu      sync.Mutex // guards waiting, and queue against a late delivery
	waiting int        // places in queue that are taken or promised
	over    bool
}

var _ net.Listener = (*listener)(nil)

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.queue:
		l.release()
		return c, nil
	case <-l.closed:
		return nil, &net.OpError{Op: "accept", Net: "libp2p", Addr: l.addr, Err: net.ErrClosed}
	}
}

func (l *listener) Addr() net.Addr { return l.addr }

// Close stops listening. Conns accepted before stay open; those waiting are closed.
func (l *listener) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return &net.OpError{Op: "close", Net: "libp2p", Addr: l.addr, Err: net.ErrClosed}
	}
	l.over = true
	l.node.services.remove(l.addr.Service, l)
	close(l.closed)
	for {
		select {
		case c := <-l.queue:
			_ = c.Close()
		default:
			return nil
		}
	}
}

// reserve promises a place in the queue; false means that it is full or closed.
func (l *listener) reserve() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over || l.waiting == acceptQueue {
		return false
	}
	l.waiting++
	return true
}

func (l *listener) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting--
}

// deliver uses a promised place.
func (l *listener) deliver(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		_ = c.Close()
		return
	}
	l.queue <- c
}

// services are the listeners of a node. The zero value is ready.
type services struct {
	mu     sync.Mutex
	byName map[string]*listener
	closed bool
}

func (s *services) add(name string, l *listener) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return ErrClosed
	case s.byName[name] != nil:
		return ErrServiceInUse
	case s.byName == nil:
		s.byName = make(map[string]*listener)
	}
	s.byName[name] = l
	return nil
}

func (s *services) find(name string) *listener {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byName[name]
}

func (s *services) remove(name string, l *listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byName[name] == l {
		delete(s.byName, name)
	}
}

func (s *services) close() {
	s.mu.Lock()
	s.closed = true
	all := make([]*listener, 0, len(s.byName))
	for _, l := range s.byName {
		all = append(all, l)
	}
	s.mu.Unlock()
	for _, l := range all {
		_ = l.Close() // at worst closed already
	}
}
