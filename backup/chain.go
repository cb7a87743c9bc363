package backup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// chainPeer is a holder that a blob is to be passed on to.
type chainPeer struct {
	id     peer.ID
	record []byte // its signed peer record; empty if its addresses are known
}

// outcome is how one peer of a chain ended: with a receipt or an error.
type outcome struct {
	peer    peer.ID
	receipt *pb.Receipt
	err     error
}

// chain passes one blob to the first peer that can be reached, which passes it on to
// the next. One goroutine opens, sends and finishes.
type chain struct {
	link  *link // nil if nobody could be reached
	first peer.ID
	have  bool // the first has the blob: nothing is sent
	times times

	missing  []peer.ID     // whose outcome is not known
	outcomes []outcome     // until done is closed, read belongs to the reader
	done     chan struct{} // closed when all outcomes are known
}

// openChain reserves space at the peers, leaving out those that cannot be reached or
// refuse. Every peer has one outcome in the end. The caller calls finish or abort. from
// is who named the peers.
func (s *Service) openChain(ctx context.Context, o *order, peers []chainPeer, from peer.ID) *chain {
	c := &chain{times: s.times, done: make(chan struct{})}
	for i, p := range peers {
		l, have, err := s.openFirst(ctx, o, p, peers[i+1:], from)
		if err != nil {
			s.log.Debug("holder not reached", "peer", p.id, "blob", o.id, "error", err)
			c.outcomes = append(c.outcomes, outcome{peer: p.id, err: err})
			continue
		}
		c.link, c.first, c.have = l, p.id, have
		for _, p := range peers[i:] {
			c.missing = append(c.missing, p.id)
		}
		go c.read() // finish and abort wait for it
		return c
	}
	close(c.done)
	return c
}

// openFirst asks one peer to store, with those behind it.
func (s *Service) openFirst(ctx context.Context, o *order, first chainPeer, behind []chainPeer, from peer.ID) (l *link, have bool, err error) {
	wait := s.times.open * time.Duration(len(behind)+1)
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if err := s.learn(first, from); err != nil {
		return nil, false, err
	}
	opened, err := s.dial(ctx, first.id)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", errLost, err)
	}
	stop := context.AfterFunc(ctx, opened.close)
	defer func() {
		if !stop() && err == nil {
			err = fmt.Errorf("%w: %w", errLost, ctx.Err())
		}
		if err != nil {
			opened.close()
		}
	}()
	ask := &pb.Store{Order: o.signed}
	for _, p := range behind {
		ask.Chain = append(ask.Chain, &pb.ChainPeer{Peer: []byte(p.id), Record: p.record})
	}
	if err := opened.send(&pb.BackupMessage{Body: &pb.BackupMessage_Store{Store: ask}}, 0); err != nil {
		return nil, false, fmt.Errorf("%w: %w", errLost, err)
	}
	m, err := opened.receive(wire.MaxControlFrame, wait)
	if err != nil {
		return nil, false, err
	}
	ready := m.GetReady()
	if ready == nil {
		return nil, false, unexpected(m, "Ready")
	}
	return opened, ready.GetHave(), nil
}

// read takes the outcomes, until all are known or the link ends.
func (c *chain) read() {
	defer close(c.done)
	for len(c.missing) > 0 {
		m, err := c.link.receive(wire.MaxControlFrame, 0)
		if err == nil {
			err = c.take(m)
		}
		if err != nil {
			for _, p := range c.missing {
				c.outcomes = append(c.outcomes, outcome{peer: p, err: fmt.Errorf("%w: %w", errLost, err)})
			}
			c.missing = nil
		}
	}
}

func (c *chain) take(m *pb.BackupMessage) error {
	o := m.GetOutcome()
	if o == nil {
		return unexpected(m, "Outcome")
	}
	at := slices.Index(c.missing, peer.ID(o.GetPeer()))
	if at < 0 || (o.GetReceipt() == nil) == (o.GetFailure() == nil) {
		return fmt.Errorf("%w: outcome", errMalformed)
	}
	result := outcome{peer: c.missing[at], receipt: o.GetReceipt()}
	if o.GetFailure() != nil {
		result.err = refusalError(o.GetFailure())
	}
	c.outcomes = append(c.outcomes, result)
	c.missing = slices.Delete(c.missing, at, at+1)
	return nil
}

// alive tells whether it still makes sense to send.
func (c *chain) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// wants tells whether the chain needs the blob's bytes.
func (c *chain) wants() bool { return !c.have && c.alive() }

// send passes on a piece of the blob. A failure shows in the outcomes.
func (c *chain) send(piece []byte, behind int) {
	if !c.wants() {
		return
	}
	if err := c.link.send(&pb.BackupMessage{Body: &pb.BackupMessage_Data{Data: &pb.Data{Bytes: piece}}}, behind); err != nil {
		c.link.close()
		<-c.done
	}
}

// finish waits for the outcomes.
func (c *chain) finish(ctx context.Context, behind int) []outcome {
	if c.link == nil {
		return c.outcomes
	}
	late := time.AfterFunc(c.times.commit*time.Duration(behind+1), c.link.close)
	defer late.Stop()
	stop := context.AfterFunc(ctx, c.link.close)
	defer stop()
	<-c.done
	c.link.close()
	return c.outcomes
}

// abort gives up; what the peers have taken they drop.
func (c *chain) abort() {
	if c.link != nil {
		c.link.close()
		<-c.done
	}
}
