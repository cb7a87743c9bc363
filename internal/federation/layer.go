package federation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// layer opens and accepts raft's streams: each begins with a hello that shows for
// which federation and incarnation the messages are.
type layer struct {
	f        *Federation
	listener net.Listener
	accepted chan net.Conn
}

var _ raft.StreamLayer = (*layer)(nil)

// Addr is this server as raft's headers name it.
func (l *layer) Addr() net.Addr { return layerAddr(l.f.raftID) }

type layerAddr string

func (layerAddr) Network() string  { return "grapevine" }
func (a layerAddr) String() string { return string(a) }

// Dial opens a stream to a member.
func (l *layer) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	if string(address) == string(l.f.raftID) { // see elect
		here, there := net.Pipe()
		select {
		case l.accepted <- there:
			return here, nil
		case <-l.f.ctx.Done():
			return nil, net.ErrClosed
		}
	}
	to, err := parseMember(address)
	if err != nil {
		return nil, err
	}
	federation := l.f.federation()
	hello := &pb.FederationHello{
		Network: l.f.cfg.Name, Federation: []byte(federation),
		To: []byte(to.incarnation), Consent: to.consent,
	}
	ctx, cancel := context.WithTimeout(l.f.ctx, timeout)
	defer cancel()
	c, err := l.f.dial(ctx, to.info(), wire.Raft)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", to.peer, err)
	}
	var welcome pb.FederationWelcome
	if err := exchange(ctx, c, hello, &welcome, maxHello); err != nil {
		return nil, errors.Join(fmt.Errorf("greet %s: %w", to.peer, err), c.Close())
	}
	if welcome.Refusal != "" {
		return nil, errors.Join(fmt.Errorf("%s refuses: %q", to.peer, shorten(welcome.Refusal)), c.Close())
	}
	_ = c.SetDeadline(time.Time{})
	return c, nil
}

// exchange writes one frame and reads another.
func exchange(ctx context.Context, c *conn, question, answer proto.Message, limit int) error {
	if deadline, ok := ctx.Deadline(); ok {
		_ = c.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := wire.WriteFrame(c, maxRequest, question); err != nil {
		return err
	}
	return wire.ReadFrame(unbuffered{c}, limit, answer)
}

// Accept returns the next stream that was let in.
func (l *layer) Accept() (net.Conn, error) {
	select {
	case c := <-l.accepted:
		return c, nil
	case <-l.f.ctx.Done():
		return nil, net.ErrClosed
	}
}

// Close ends the listening.
func (l *layer) Close() error { return l.listener.Close() }

// listen greets who comes.
func (l *layer) listen() {
	l.f.accept(l.listener, func(c *conn) {
		if err := l.greet(c); err != nil {
			l.f.log.Debug("a stream of raft was refused", "peer", c.peer, "err", err)
			_ = c.Close()
			return
		}
		select {
		case l.accepted <- c:
		case <-l.f.ctx.Done():
			_ = c.Close()
		}
	})
}

func (l *layer) greet(c *conn) error {
	_ = c.SetDeadline(time.Now().Add(helloTimeout))
	var hello pb.FederationHello
	if err := wire.ReadFrame(unbuffered{c}, maxHello, &hello); err != nil {
		return err
	}
	refusal := l.f.judge(c.peer, &hello)
	welcome := &pb.FederationWelcome{}
	if refusal != nil {
		welcome.Refusal = shorten(refusal.Error())
	}
	if err := errors.Join(refusal, wire.WriteFrame(c, maxHello, welcome)); err != nil {
		return err
	}
	_ = c.SetDeadline(time.Time{})
	c.idle, c.write = raftIdle, raftWrite
	return nil
}

// shorten cuts the words of a refusal.
func shorten(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	return reason[:maxReason-3] + "..."
}
