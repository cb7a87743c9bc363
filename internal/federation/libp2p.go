package federation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/grapevine-p2p/grapevine/internal/dialcause"
	"github.com/grapevine-p2p/grapevine/internal/streamconn"
)

// HostNetwork connects servers by streams of libp2p hosts.
type HostNetwork struct {
	host  host.Host
	conns streamconn.Set
}

var _ Network = (*HostNetwork)(nil)

// OverHost returns the network of a host, which stays the caller's. The network is
// to be closed after the federation and before the host.
func OverHost(h host.Host) *HostNetwork { return &HostNetwork{host: h} }

// Dial opens a stream to a server.
func (n *HostNetwork) Dial(ctx context.Context, to peer.AddrInfo, id string) (net.Conn, error) {
	// For good: a host may be set to keep no others, and servers are few.
	n.host.Peerstore().AddAddrs(to.ID, to.Addrs, peerstore.PermanentAddrTTL)
	// A server that was just started again is not to be given up for minutes.
	ctx = network.WithForceDirectDial(ctx, "federation")
	for attempt := 1; ; attempt++ {
		stream, err := n.host.NewStream(ctx, to.ID, protocol.ID(id))
		if err == nil {
			return n.wrap(stream, id), nil
		}
		if attempt == dialAttempts {
			return nil, dialcause.First(err)
		}
		// Servers that dial each other at one moment, each from the port that it
		// listens at, meet in one TCP connection that both take for their own, and
		// both fail: each tries again at a moment of its own.
		select {
		case <-time.After(rand.N(dialAgain)):
		case <-ctx.Done():
			return nil, dialcause.First(err)
		}
	}
}

func (n *HostNetwork) wrap(stream network.Stream, id string) net.Conn {
	return n.conns.Wrap(stream, streamconn.Addr{Peer: n.host.ID(), Service: id},
		streamconn.Addr{Peer: stream.Conn().RemotePeer(), Service: id})
}

// Listen accepts streams of a protocol.
func (n *HostNetwork) Listen(id string) (net.Listener, error) {
	l := &hostListener{network: n, id: id, streams: make(chan network.Stream, acceptQueue), done: make(chan struct{})}
	n.host.SetStreamHandler(protocol.ID(id), l.handle)
	return l, nil
}

// Close resets what is still open and waits until all is released.
func (n *HostNetwork) Close() error {
	n.conns.Close()
	return nil
}

// acceptQueue is the number of streams that wait to be accepted: a moment's worth.
const acceptQueue = 64

type hostListener struct {
	network *HostNetwork
	id      string
	streams chan network.Stream
	done    chan struct{}
	once    sync.Once
}

func (l *hostListener) handle(stream network.Stream) {
	select {
	case l.streams <- stream:
	case <-l.done:
		_ = stream.Reset()
	case <-time.After(helloTimeout):
		_ = stream.Reset()
	}
}

func (l *hostListener) Accept() (net.Conn, error) {
	select {
	case stream := <-l.streams:
		return l.network.wrap(stream, l.id), nil
	case <-l.done:
		return nil, fmt.Errorf("accept: %w", net.ErrClosed)
	}
}

func (l *hostListener) Close() error {
	l.once.Do(func() {
		l.network.host.RemoveStreamHandler(protocol.ID(l.id))
		close(l.done)
		for {
			select {
			case stream := <-l.streams:
				_ = stream.Reset()
			default:
				return
			}
		}
	})
	return nil
}

func (l *hostListener) Addr() net.Addr {
	return streamconn.Addr{Peer: l.network.host.ID(), Service: l.id}
}
