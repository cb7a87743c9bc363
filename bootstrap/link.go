package bootstrap

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/grapevine-p2p/grapevine/internal/dialcause"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// link is a client's side of one server: a long-lived stream for requests, opened
// when it is needed, and what is known of how the server does.
type link struct {
	client *Client
	info   peer.AddrInfo

	turn   chan struct{} // held by the one call that uses what follows
	talk   *talk         // nil: none is open
	calls  uint64
	closed bool
	linger *time.Timer // of a detached client, between calls

	mu    sync.Mutex // guards what follows
	tried bool
	err   error     // of the last attempt
	since time.Time // when it failed
	rtt   time.Duration
}

func newLink(c *Client, info peer.AddrInfo) *link {
	return &link{client: c, info: info, turn: make(chan struct{}, 1)}
}

// talk is an open stream to a server.
type talk struct {
	stream network.Stream
	in     *bufio.Reader
}

// downFor is how long a server that did not answer is not waited for, while others
// answer.
const downFor = 10 * time.Second

// promising reports whether the server answered last time, was never asked, or has
// been left alone for a while.
func (l *link) promising() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !l.tried || l.err == nil || time.Since(l.since) > downFor
}

func (l *link) status() ServerStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	return ServerStatus{Server: l.info, Connected: l.tried && l.err == nil, RTT: l.rtt, Err: l.err}
}

var (
	// errSlow is the cause with which a question is dropped because others answered.
	errSlow = errors.New("slower than the other servers")
	errLost = errors.New("connection lost")
)

// listTimeout bounds reading a whole list, however long.
const listTimeout = time.Minute

// call sends a request and returns the server's one answer to it. A refusal is an
// error. The whole is bounded by the client's timeout.
func (l *link) call(caller context.Context, name string, req *pb.DirectoryRequest) (*pb.DirectoryResponse, error) {
	ctx, cancel := context.WithTimeout(caller, l.client.timeout)
	defer cancel()
	select {
	case l.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, l.outcome(caller, ctx.Err())
	}
	defer func() { <-l.turn }()
	if l.client.detached {
		defer l.rest()
	}
	reused := l.talk != nil
	resp, err := l.exchange(ctx, req)
	if err != nil && reused && ctx.Err() == nil {
		// The server closes streams that are idle; every request may be repeated.
		resp, err = l.exchange(ctx, req)
	}
	if err != nil && ctx.Err() != nil {
		err = fmt.Errorf("no answer in %s", l.client.timeout)
	}
	if err := l.outcome(caller, err); err != nil {
		return nil, err
	}
	if e := resp.GetError(); e != nil {
		return nil, decodeError(e, name, time.Now())
	}
	return resp, nil
}

// exchange is called with the turn held. After an error the stream is gone.
func (l *link) exchange(ctx context.Context, req *pb.DirectoryRequest) (_ *pb.DirectoryResponse, err error) {
	if l.closed {
		return nil, ErrClosed
	}
	if l.talk == nil {
		if l.talk, err = l.open(ctx); err != nil {
			l.talk = nil
			return nil, err
		}
	}
	t := l.talk
	defer func() {
		if err != nil {
			_ = t.stream.Reset()
			l.talk = nil
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = t.stream.Reset() })
	defer func() {
		if !stop() && err == nil {
			err = ctx.Err() // the stream was reset after the answer
		}
	}()
	begun := time.Now()
	l.calls++
	req.Id, req.Network = l.calls, l.client.network
	if err := t.send(req); err != nil {
		return nil, err
	}
	resp, err := t.receive(messageTimeout)
	if err != nil {
		return nil, err
	}
	if resp.Id != req.Id {
		return nil, malformed("an answer to another request")
	}
	l.mu.Lock()
	l.rtt = time.Since(begun)
	l.mu.Unlock()
	return resp, nil
}

// wayTo tells the host where the server is.
func (l *link) wayTo() {
	h := l.client.host
	h.Peerstore().AddAddrs(l.info.ID, l.info.Addrs, peerstore.PermanentAddrTTL)
	// The client paces its attempts itself; libp2p's backoff of minutes would keep
	// it from a server that is back.
	if s, ok := h.Network().(interface{ Backoff() *swarm.DialBackoff }); ok {
		s.Backoff().Clear(l.info.ID)
	}
}

// open opens a stream to the server, connecting if need be.
func (l *link) open(ctx context.Context) (*talk, error) {
	l.wayTo()
	ctx, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "directory"), negotiateTimeout)
	defer cancel()
	stream, err := l.client.host.NewStream(ctx, l.info.ID, protocol.ID(wire.Directory))
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", dialcause.First(err))
	}
	return &talk{stream, bufio.NewReaderSize(stream, streamBuffer)}, nil
}

func (t *talk) send(req *pb.DirectoryRequest) error {
	if err := t.stream.SetWriteDeadline(time.Now().Add(messageTimeout)); err != nil {
		return err
	}
	return wire.WriteFrame(t.stream, maxRequest, req)
}

func (t *talk) receive(timeout time.Duration) (*pb.DirectoryResponse, error) {
	if err := t.stream.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	var resp pb.DirectoryResponse
	if err := wire.ReadFrame(t.in, maxResponse, &resp); err != nil {
		return nil, err
	}
	return &resp, nil
}

// outcome notes how an attempt ended. That the caller gave up says nothing of the
// server, unless it did so because others were faster.
func (l *link) outcome(caller context.Context, err error) error {
	cause := context.Cause(caller)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		if l.tried && l.err != nil {
			l.client.log.Info("bootstrap server answers again", "server", l.info.ID)
		}
		l.tried, l.err = true, nil
		return nil
	case cause != nil && !errors.Is(cause, errSlow):
		return cause
	case cause != nil:
		err = cause
	}
	if !l.tried || l.err == nil {
		l.client.log.Warn("bootstrap server does not answer", "server", l.info.ID, "err", err)
	}
	l.tried, l.err, l.since = true, err, time.Now()
	return err
}

// lost notes that the connection is gone. The next question tries at once.
func (l *link) lost() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tried && l.err == nil {
		l.client.log.Info("connection to a bootstrap server lost", "server", l.info.ID)
		l.err, l.since = errLost, time.Time{}
	}
}

func (l *link) close() {
	l.turn <- struct{}{}
	defer func() { <-l.turn }()
	l.closed = true
	if l.linger != nil {
		l.linger.Stop()
	}
	if l.talk != nil {
		_ = l.talk.stream.Close()
		l.talk = nil
	}
}

// rest ends a call of a detached client: nothing stays open for long. It is called
// with the turn held.
func (l *link) rest() {
	if l.closed {
		return
	}
	if l.talk != nil {
		_ = l.talk.stream.Close()
		l.talk = nil
	}
	if l.linger == nil {
		l.linger = time.AfterFunc(lingerTimeout, l.letGo)
	} else {
		l.linger.Reset(lingerTimeout)
	}
}

// letGo closes the connection to the server if nothing else uses it.
func (l *link) letGo() {
	if l.client.begin() != nil {
		return
	}
	defer l.client.wg.Done()
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	default:
		return // in use: rest comes after it
	}
	h := l.client.host
	if h.ConnManager().IsProtected(l.info.ID, "") {
		return
	}
	for _, conn := range h.Network().ConnsToPeer(l.info.ID) {
		if len(conn.GetStreams()) > 0 {
			l.linger.Reset(lingerTimeout)
			return
		}
	}
	_ = h.Network().ClosePeer(l.info.ID) // it is gone either way
}
