package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/grapevine-p2p/grapevine/internal/dialcause"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// RefusedError is returned by Join when a peer refused the link, in its words.
type RefusedError struct {
	Peer   peer.ID
	Reason string // as the peer said it; quote it
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("peer %s refused the link: %q", e.Peer, e.Reason)
}

// openLink dials a peer, opens a stream and exchanges hellos on it.
func (n *Node) openLink(ctx context.Context, id peer.ID, target wire.Contact) (greeting, error) {
	if err := n.connect(ctx, id, target); err != nil {
		return greeting{}, err
	}
	stream, err := n.host.NewStream(ctx, id, wire.Overlay)
	if err != nil {
		return greeting{}, fmt.Errorf("open overlay stream to %s: %w", id, err)
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	hello, err := n.exchangeHello(stream)
	if !stop() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		_ = stream.Reset()
		return greeting{}, err
	}
	return greeting{stream, hello}, nil
}

// connect makes sure of a connection, using the addresses that the contact signed.
func (n *Node) connect(ctx context.Context, id peer.ID, target wire.Contact) error {
	info := peer.AddrInfo{ID: id}
	if wire.PeerID(id) == target.Peer {
		var err error
		if info, err = n.contacts.info(target); err != nil {
			return err
		}
	}
	if len(info.Addrs) > 0 {
		connected := func() bool { return n.host.Network().Connectedness(id) == network.Connected }
		var err error
		if info.Addrs, err = n.dials.turn(ctx, info.Addrs, connected); err != nil {
			return fmt.Errorf("dial %s: %w", id, err)
		}
	}
	n.forgetBackoff(id) // the core waits between its tries, and less than the host would
	if err := n.host.Connect(ctx, info); err != nil {
		return fmt.Errorf("dial %s: %w", id, dialcause.First(err))
	}
	return nil
}

// forgetBackoff lets a peer be dialled although it could not be reached just now.
func (n *Node) forgetBackoff(id peer.ID) {
	if s, ok := n.host.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(id)
	}
}

func (n *Node) exchangeHello(stream network.Stream) (wire.Contact, error) {
	id := stream.Conn().RemotePeer()
	if err := stream.SetDeadline(time.Now().Add(messageTimeout)); err != nil {
		return wire.Contact{}, err
	}
	if err := n.sendHello(stream); err != nil {
		return wire.Contact{}, err
	}
	m, err := wire.Read(byteReader{stream})
	if err != nil {
		return wire.Contact{}, fmt.Errorf("read hello of %s: %w", id, err)
	}
	if m.Kind == wire.KindRefusal {
		if m.Refusal.Code == wire.RefusedGlare {
			return wire.Contact{}, errGlare
		}
		return wire.Contact{}, &RefusedError{Peer: id, Reason: m.Refusal.Reason}
	}
	contact, refusal := n.judgeHello(stream, m)
	if refusal != nil {
		return wire.Contact{}, fmt.Errorf("peer %s is no good: %s", id, refusal.Reason)
	}
	return contact, stream.SetDeadline(time.Time{})
}

func (n *Node) sendHello(w io.Writer) error {
	return wire.Write(w, wire.Message{Kind: wire.KindHello, Hello: &wire.Hello{
		Network: n.network, Agent: n.agent, Record: n.contacts.self().Record,
	}})
}

// acceptHello answers a hello that was found good.
func (n *Node) acceptHello(stream network.Stream) error {
	if err := stream.SetWriteDeadline(time.Now().Add(messageTimeout)); err != nil {
		return err
	}
	if err := n.sendHello(stream); err != nil {
		return err
	}
	return stream.SetDeadline(time.Time{})
}

// judgeHello returns the sender's proved contact, or why it is refused.
func (n *Node) judgeHello(stream network.Stream, m wire.Message) (wire.Contact, *wire.Refusal) {
	switch {
	case m.Kind != wire.KindHello:
		return wire.Contact{}, &wire.Refusal{Code: wire.RefusedMalformed, Reason: "a link begins with a hello"}
	case m.Hello.Network != n.network:
		return wire.Contact{}, &wire.Refusal{
			Code:   wire.RefusedOtherNetwork,
			Reason: fmt.Sprintf("this is the network %q, not %q", n.network, m.Hello.Network),
		}
	}
	id := stream.Conn().RemotePeer()
	contact := wire.Contact{Peer: wire.PeerID(id), Record: m.Hello.Record}
	if _, err := n.contacts.addrs(contact); err != nil {
		return wire.Contact{}, &wire.Refusal{Code: wire.RefusedMalformed, Reason: err.Error()}
	}
	if n.contacts.told(&contact, stream.Conn().RemoteMultiaddr()) {
		n.driver.drop(droppedForeign, 1)
	}
	if info, err := n.contacts.info(contact); err == nil {
		n.host.Peerstore().AddAddrs(id, info.Addrs, peerstore.RecentlyConnectedAddrTTL)
	}
	return contact, nil
}

// accept is the handler of streams that peers open for a link.
func (n *Node) accept(stream network.Stream) {
	if !n.enter() {
		_ = stream.Reset()
		return
	}
	defer n.wg.Done()
	stop := context.AfterFunc(n.ctx, func() { _ = stream.Reset() })
	defer stop()
	if err := stream.SetDeadline(time.Now().Add(messageTimeout)); err != nil {
		_ = stream.Reset()
		return
	}
	m, err := wire.Read(byteReader{stream})
	if err != nil {
		n.log.Debug("no hello", "peer", stream.Conn().RemotePeer(), "error", err)
		_ = stream.Reset()
		return
	}
	contact, refusal := n.judgeHello(stream, m)
	if refusal == nil {
		refusal = n.driver.admit(greeting{stream, contact})
	}
	if refusal == nil {
		return
	}
	n.log.Debug("link refused", "peer", stream.Conn().RemotePeer(), "reason", refusal.Reason)
	refusal.Reason = strings.ToValidUTF8(refusal.Reason[:min(len(refusal.Reason), wire.MaxReason)], "")
	err = errors.Join(
		wire.Write(stream, wire.Message{Kind: wire.KindRefusal, Refusal: refusal}),
		stream.CloseWrite())
	if err == nil { // until the peer has read it
		_, err = bufio.NewReader(io.LimitReader(stream, wire.MaxControlFrame)).WriteTo(io.Discard)
	}
	if err != nil {
		_ = stream.Reset()
		return
	}
	_ = stream.Close()
}

// admit takes a stream that a peer opened, or says why not.
func (d *driver) admit(g greeting) *wire.Refusal {
	id := g.stream.Conn().RemotePeer()
	d.mu.Lock()
	defer d.mu.Unlock()
	old := d.links[id]
	switch {
	case d.leaving || d.ctx.Err() != nil:
		return &wire.Refusal{Code: wire.RefusedBusy, Reason: "going offline"}
	case d.isBanned(id):
		return &wire.Refusal{Code: wire.RefusedMalformed, Reason: "refused after a breach of the protocol"}
	case old == nil && (len(d.links) >= maxLinks || d.strangers() >= maxStrangers):
		return &wire.Refusal{Code: wire.RefusedBusy, Reason: "too many links"}
	case old != nil && old.dialling && d.node.host.ID() < id:
		return &wire.Refusal{Code: wire.RefusedGlare, Reason: errGlare.Error()}
	case old != nil && old.dialling:
		select {
		case old.adopted <- g:
			return nil
		default:
			return &wire.Refusal{Code: wire.RefusedBusy, Reason: "one stream is enough"}
		}
	case old != nil: // the peer knows of no link any more, so ours is dead
		d.loseLocked(old)
	}
	l := newLink(d, id, g.hello)
	l.theirs = true
	d.links[id] = l
	d.node.wg.Go(func() {
		if err := d.node.acceptHello(g.stream); err != nil {
			_ = g.stream.Reset() // run finds that out
		}
		l.run(g)
	})
	return nil
}

// strangers counts the links that peers opened and that are no neighbours'.
func (d *driver) strangers() (count int) {
	for _, l := range d.links {
		if l.theirs && !l.neighbour.Load() {
			count++
		}
	}
	return count
}

// byteReader reads a frame without reading beyond it.
type byteReader struct{ io.Reader }

func (r byteReader) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r.Reader, b[:])
	return b[0], err
}
