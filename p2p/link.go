package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// protectTag keeps the connection manager from trimming a neighbour.
const protectTag = "grapevine-neighbour"

// errGlare: both sides opened a link at once, and the other's stays.
var errGlare = errors.New("the other side's stream is used")

// link is the one long-lived stream to a peer, with what waits to be sent on it.
// A goroutine each reads and writes.
type link struct {
	driver *driver
	peer   peer.ID
	target wire.Contact   // what is known of the peer before its hello
	sender []wire.Contact // the peer, as its hello said; set before read
	theirs bool           // the peer opened it

	dialling  bool          // guarded by driver.mu, as are the next two
	parting   bool          // to be closed as soon as it is open and all is sent
	batch     uint64        // of the last Send, while dialling
	adopted   chan greeting // the peer's own stream, in place of our dial
	outbox    chan *packet
	neighbour atomic.Bool

	ctx      context.Context // ends with the node, or when the link is lost
	cancel   context.CancelFunc
	finished chan struct{} // send what is queued, then close
	finish   func()
	late     *time.Timer   // ends a link that does not finish; set by finish
	done     chan struct{} // closed when nothing of the link is left
}

func newLink(d *driver, id peer.ID, target wire.Contact) *link {
	l := &link{
		driver:   d,
		peer:     id,
		target:   target,
		adopted:  make(chan greeting, 1),
		outbox:   make(chan *packet, outboxSize),
		finished: make(chan struct{}),
		done:     make(chan struct{}),
	}
	l.ctx, l.cancel = context.WithCancel(d.ctx)
	l.finish = sync.OnceFunc(func() {
		close(l.finished)
		l.late = time.AfterFunc(flushTime, l.cancel)
	})
	return l
}

// push queues a packet; false means that the outbox is full.
func (l *link) push(p *packet) bool {
	select {
	case l.outbox <- p:
		return true
	default:
		return false
	}
}

// greeting is a stream on which the peer's hello was found good.
type greeting struct {
	stream network.Stream
	hello  wire.Contact
}

// dial opens the link from our side, unless the peer's own stream comes first, and
// runs it to its end.
func (l *link) dial() {
	g, err := l.open()
	if spare := l.driver.opened(l, err); spare != nil {
		_ = spare.Reset()
	}
	if err != nil {
		if g.stream != nil {
			_ = g.stream.Reset()
		}
		l.driver.node.log.Debug("link not opened", "peer", l.peer, "error", err)
		l.driver.lose(l)
		l.cancel()
		close(l.done)
		return
	}
	l.run(g)
}

func (l *link) open() (greeting, error) {
	ctx, cancel := context.WithTimeout(l.ctx, dialTimeout)
	defer cancel()
	type outcome struct {
		greeting
		err error
	}
	node := l.driver.node
	dialled := make(chan outcome, 1)
	node.wg.Go(func() {
		g, err := node.openLink(ctx, l.peer, l.target)
		dialled <- outcome{g, err}
	})
	select {
	case g := <-l.adopted:
		node.wg.Go(func() { // our dial lost
			if o := <-dialled; o.stream != nil {
				_ = o.stream.Reset()
			}
		})
		return g, node.acceptHello(g.stream)
	case o := <-dialled:
		if !errors.Is(o.err, errGlare) {
			return o.greeting, o.err
		}
	}
	wait := time.NewTimer(glareWait)
	defer wait.Stop()
	select {
	case g := <-l.adopted:
		return g, node.acceptHello(g.stream)
	case <-wait.C:
		return greeting{}, errGlare
	case <-l.ctx.Done():
		return greeting{}, l.ctx.Err()
	}
}

// run carries messages both ways until either side ends the link.
func (l *link) run(g greeting) {
	stream := g.stream
	l.sender = []wire.Contact{g.hello}
	defer close(l.done)
	defer l.cancel()
	stop := context.AfterFunc(l.ctx, func() { _ = stream.Reset() })
	defer stop()

	written := make(chan struct{})
	l.driver.node.wg.Go(func() {
		defer close(written)
		if err := l.write(stream); err != nil {
			_ = stream.Reset()
		}
	})
	err := l.read(stream)
	if malformed(err) {
		l.driver.hostile(l, err)
	}
	l.driver.lose(l)
	l.finish()
	<-written
	l.late.Stop()
	if errors.Is(err, io.EOF) {
		_ = stream.Close()
	} else {
		_ = stream.Reset()
	}
}

func malformed(err error) bool {
	return errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrTooLarge) || errors.Is(err, errBadRecord)
}

// read hands the peer's messages to the driver, each proved and within limits.
func (l *link) read(stream network.Stream) error {
	r := bufio.NewReader(stream)
	via := stream.Conn().RemoteMultiaddr()
	unproved := rate.NewLimiter(unprovedRate, unprovedBurst)
	asStranger := rate.NewLimiter(strangerRate, strangerBurst)
	asNeighbour := rate.NewLimiter(messageRate, messageBurst)
	patience := deadline{set: stream.SetReadDeadline}
	end := time.Now().Add(transientLife) // whatever a stranger says
	for {
		var err error
		pace := asStranger
		switch now := time.Now(); {
		case l.neighbour.Load():
			pace = asNeighbour
			err = patience.within(now, linkIdle)
		case now.After(end): // what is buffered is read without a deadline
			err = os.ErrDeadlineExceeded
		default:
			err = patience.at(end)
		}
		if err != nil {
			return err
		}
		if _, err := r.Peek(1); err != nil {
			return err
		}
		if !wire.Whole(r) {
			if err := patience.within(time.Now(), messageTimeout); err != nil {
				return err
			}
		}
		m, err := wire.Read(r)
		if err != nil {
			return err
		}
		if err := pace.Wait(l.ctx); err != nil {
			return err
		}
		contacts := l.driver.node.contacts
		switch {
		case m.Kind == wire.KindRefusal:
			return fmt.Errorf("the peer ended the link: %q", m.Refusal.Reason)
		case m.Kind == wire.KindHello:
			return fmt.Errorf("%w: a second hello", wire.ErrMalformed)
		case m.Kind == 0: // said by a newer version
			l.driver.drop(droppedUnknown, 1)
			continue
		}
		if n := contacts.unproved(m); n > 0 && !unproved.AllowN(time.Now(), n) {
			l.driver.drop(droppedUnproved, 1)
			continue
		}
		if err := contacts.check(m); err != nil {
			return err
		}
		foreign, useful := contacts.strip(&m, via)
		if foreign > 0 {
			l.driver.drop(droppedForeign, foreign)
		}
		if !useful {
			continue
		}
		l.driver.received(l, m)
	}
}

// write sends what is queued, as many messages at once as wait.
func (l *link) write(stream network.Stream) error {
	w := bufio.NewWriter(stream)
	patience := deadline{set: stream.SetWriteDeadline}
	for {
		select {
		case <-l.ctx.Done():
			return l.ctx.Err()
		case p := <-l.outbox:
			if err := l.writeOne(&patience, w, p); err != nil {
				return err
			}
		case <-l.finished:
			for {
				select {
				case p := <-l.outbox:
					if err := l.writeOne(&patience, w, p); err != nil {
						return err
					}
					continue
				default:
				}
				break
			}
			return stream.CloseWrite() // the peer answers with its own end
		}
	}
}

func (l *link) writeOne(patience *deadline, w *bufio.Writer, p *packet) error {
	frame, err := p.encoded()
	if err != nil {
		return err
	}
	if err := patience.within(time.Now(), messageTimeout); err != nil {
		return err
	}
	if _, err := w.Write(frame); err != nil {
		return err
	}
	if len(l.outbox) > 0 && w.Available() > 0 {
		return nil
	}
	return w.Flush()
}
