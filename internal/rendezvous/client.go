package rendezvous

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Client asks servers whose addresses its host knows. Each call opens a stream, and
// takes 15 seconds at the most.
type Client struct{ Host host.Host }

// Found is a peer that a server knows of, by the word of the peer itself.
type Found struct {
	Namespace string
	Peer      peer.AddrInfo
	Seq       uint64 // a peer's newer record has a higher one
	TTL       time.Duration
}

// Register enters this peer in a namespace at a server and returns for how long. A
// TTL of zero leaves that to the server. A refusal is a [StatusError].
func (c Client) Register(ctx context.Context, server peer.ID, ns string, ttl time.Duration) (time.Duration, error) {
	key := c.Host.Peerstore().PrivKey(c.Host.ID())
	if key == nil {
		return 0, errors.New("register at a rendezvous server: the host has no key")
	}
	sealed, err := sealRecord(peer.AddrInfo{ID: c.Host.ID(), Addrs: c.Host.Addrs()}, key)
	if err != nil {
		return 0, err
	}
	req := &pb.RendezvousRegister{Ns: &ns, SignedPeerRecord: sealed}
	if ttl > 0 {
		req.Ttl = proto.Uint64(seconds(ttl))
	}
	reply, err := c.call(ctx, server, true, &pb.RendezvousMessage{
		Type: pb.RendezvousType_RENDEZVOUS_REGISTER.Enum(), Register: req,
	})
	if err != nil {
		return 0, fmt.Errorf("register at a rendezvous server: %w", err)
	}
	granted, err := decodeRegistered(reply)
	if err != nil {
		return 0, fmt.Errorf("register at a rendezvous server: %w", err)
	}
	return granted, nil
}

// Unregister takes this peer out of a namespace. The protocol has no answer: that
// the request was sent is all that is known.
func (c Client) Unregister(ctx context.Context, server peer.ID, ns string) error {
	_, err := c.call(ctx, server, false, &pb.RendezvousMessage{
		Type:       pb.RendezvousType_RENDEZVOUS_UNREGISTER.Enum(),
		Unregister: &pb.RendezvousUnregister{Ns: &ns},
	})
	if err != nil {
		return fmt.Errorf("unregister at a rendezvous server: %w", err)
	}
	return nil
}

// Discover returns up to limit peers of a namespace, or with an empty one of all,
// and a cookie with which the next call returns those that came after them. A server
// may return fewer than there are; there are no more when it returns nobody. A
// cookie that the server does not know has the status InvalidCookie.
func (c Client) Discover(ctx context.Context, server peer.ID, ns string, limit int, cookie []byte) ([]Found, []byte, error) {
	req := &pb.RendezvousDiscover{Ns: &ns, Cookie: cookie}
	if limit > 0 {
		req.Limit = proto.Uint64(uint64(limit))
	}
	reply, err := c.call(ctx, server, true, &pb.RendezvousMessage{
		Type: pb.RendezvousType_RENDEZVOUS_DISCOVER.Enum(), Discover: req,
	})
	if err != nil {
		return nil, nil, fmt.Errorf("ask a rendezvous server: %w", err)
	}
	found, next, err := decodeDiscovered(reply, ns)
	if err != nil {
		return nil, nil, fmt.Errorf("ask a rendezvous server: %w", err)
	}
	return found, next, nil
}

// call sends a request and reads the answer, if it has one.
func (c Client) call(ctx context.Context, server peer.ID, answered bool, req *pb.RendezvousMessage) (*pb.RendezvousMessage, error) {
	opening, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, "rendezvous"), openTimeout)
	defer cancel()
	stream, err := c.Host.NewStream(opening, server, Protocol)
	if err != nil {
		return nil, fmt.Errorf("open a stream: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	defer stop()
	reply, err := exchange(stream, answered, req)
	if err != nil {
		_ = stream.Reset()
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, err
	}
	return reply, stream.Close()
}

func exchange(stream network.Stream, answered bool, req *pb.RendezvousMessage) (*pb.RendezvousMessage, error) {
	if err := send(stream, maxRequest, req); err != nil {
		return nil, err
	}
	if err := stream.CloseWrite(); err != nil {
		return nil, err
	}
	if !answered {
		// A server that has read it closes the stream, or resets it.
		if err := stream.SetReadDeadline(time.Now().Add(goodbyeTimeout)); err == nil {
			_, _ = stream.Read(make([]byte, 1))
		}
		return nil, nil
	}
	if err := stream.SetReadDeadline(time.Now().Add(frameTimeout)); err != nil {
		return nil, err
	}
	var reply pb.RendezvousMessage
	if err := wire.ReadFrame(bufio.NewReader(stream), maxResponse, &reply); err != nil {
		return nil, err
	}
	return &reply, nil
}

func decodeRegistered(m *pb.RendezvousMessage) (time.Duration, error) {
	r := m.GetRegisterResponse()
	if m.Type == nil || m.GetType() != pb.RendezvousType_RENDEZVOUS_REGISTER_RESPONSE || r == nil {
		return 0, fmt.Errorf("%w: an answer of another kind", errMalformed)
	}
	if err := decodeStatus(r.Status, r.GetStatusText()); err != nil {
		return 0, err
	}
	if r.Ttl == nil { // a server may leave the default out
		return DefaultTTL, nil
	}
	return lifetime(r.GetTtl()), nil
}

// lifetime bounds a server's TTL on both sides, so that no server makes its clients
// hurry.
func lifetime(secs uint64) time.Duration {
	return time.Duration(max(1, min(secs, uint64(MaxTTL/time.Second)))) * time.Second
}

// decodeDiscovered returns those registrations of an answer that are what they claim
// to be.
func decodeDiscovered(m *pb.RendezvousMessage, ns string) ([]Found, []byte, error) {
	r := m.GetDiscoverResponse()
	if m.Type == nil || m.GetType() != pb.RendezvousType_RENDEZVOUS_DISCOVER_RESPONSE || r == nil {
		return nil, nil, fmt.Errorf("%w: an answer of another kind", errMalformed)
	}
	if err := decodeStatus(r.Status, r.GetStatusText()); err != nil {
		return nil, nil, err
	}
	if n := len(r.GetRegistrations()); n > MaxResults {
		return nil, nil, fmt.Errorf("%w: %d registrations, at most %d", errMalformed, n, MaxResults)
	}
	if n := len(r.GetCookie()); n > maxCookie {
		return nil, nil, fmt.Errorf("%w: cookie of %d bytes, at most %d", errMalformed, n, maxCookie)
	}
	var found []Found
	for _, reg := range r.GetRegistrations() {
		if len(reg.GetNs()) > MaxNamespace || ns != "" && reg.Ns != nil && reg.GetNs() != ns {
			continue
		}
		rec, err := openRecord(reg.GetSignedPeerRecord())
		if err != nil {
			continue
		}
		found = append(found, Found{reg.GetNs(), peer.AddrInfo{ID: rec.PeerID, Addrs: rec.Addrs}, rec.Seq, lifetime(reg.GetTtl())})
	}
	return found, r.GetCookie(), nil
}
