// Package serverhost makes the libp2p host of a bootstrap server: for the program that
// is one, and for whoever measures it.
package serverhost

import (
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/grapevine-p2p/grapevine/internal/iplimit"
)

const (
	// maxConns is the number of connections: as many as leases are renewed over, and
	// some more. None is trimmed, for a trimmed peer would count as away: when all are
	// taken new ones are refused.
	maxConns = 12_000
	// maxStreams: a directory stream for each, half as many watches, and identify.
	maxStreams = 3 * maxConns
	// streamWindow is what a peer may send ahead on a stream, and counts as memory
	// while the stream is open. It is the least that yamux takes; without a limit of
	// ours it would grow to 16 MiB, and no frame of the directory is longer than 64 KiB.
	streamWindow = 256 << 10
	// maxMemory is for the windows of all streams. Honest peers leave them empty.
	maxMemory = maxStreams * streamWindow
	// connsPerAddress is for one public address: a household or a lab; a lab behind
	// one address is known to have hundreds.
	connsPerAddress = 256
	// newConnsPerAddress is how many of them may be new each second.
	newConnsPerAddress = 5
)

// New makes a host that does not listen yet, and that spends little on a connection:
// what a directory does not need is off. Without a key it makes one; a gater that is
// nil lets everybody in.
func New(key crypto.PrivKey, gater connmgr.ConnectionGater) (host.Host, error) {
	manager, err := newLimits()
	if err != nil {
		return nil, fmt.Errorf("set limits: %w", err)
	}
	addrs, err := pstoremem.NewPeerstore(pstoremem.WithMaxAddresses(0))
	if err != nil {
		return nil, fmt.Errorf("keep addresses: %w", err)
	}
	lean := *yamux.DefaultTransport
	lean.MaxStreamWindowSize = streamWindow
	h, err := libp2p.New(
		libp2p.Identity(key),
		libp2p.NoListenAddrs,
		// Of peers that have left nothing: v0.51 would keep the addresses of each, over
		// a kibibyte, for as long as the server runs. Those of the other servers of a
		// federation stay.
		libp2p.Peerstore(addrs),
		libp2p.ResourceManager(manager),
		libp2p.ConnectionGater(gater),
		libp2p.ConnectionManager(&connmgr.NullConnMgr{}),
		// Without SO_REUSEPORT, with which a second server would take half of the
		// connections to the same port instead of an error.
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Transport(quic.NewTransport),
		libp2p.Muxer(yamux.ID, &lean),
		libp2p.UserAgent("grapevine-bootstrap"),
		libp2p.Ping(false),
		libp2p.DisableRelay(),
		// On Close, v0.51's observed-address manager stops reading its event
		// subscription but leaves it open: a host that many peers identify to
		// meanwhile never closes.
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.DisableMetrics(),
	)
	if err != nil {
		return nil, fmt.Errorf("start a libp2p host: %w", err)
	}
	h.Network().Notify(&network.NotifyBundle{DisconnectedF: forget})
	return h, nil
}

// forget drops what libp2p remembers of a peer that has left, but for its addresses: it
// would do so itself a minute later, and then the room that very many have taken stays
// taken.
func forget(n network.Network, c network.Conn) {
	if n.Connectedness(c.RemotePeer()) == network.NotConnected {
		n.Peerstore().RemovePeer(c.RemotePeer())
	}
}

// newLimits bounds what the host takes on, in all and from one address. What one
// peer may have is libp2p's own; the directory and the federation are stricter.
func newLimits() (network.ResourceManager, error) {
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	many := rcmgr.ResourceLimits{
		Conns: maxConns, ConnsInbound: maxConns, FD: maxConns,
		Streams: maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams, Memory: maxMemory,
	}
	concrete := rcmgr.PartialLimitConfig{
		System:          many,
		Transient:       rcmgr.ResourceLimits{Conns: maxConns / 10, ConnsInbound: maxConns / 10, FD: maxConns / 10, Memory: maxMemory / 32},
		ProtocolDefault: many,
		ServiceDefault:  many,
		// All come at once after a restart.
		Service:  map[string]rcmgr.ResourceLimits{identify.ServiceName: many},
		Protocol: map[protocol.ID]rcmgr.ResourceLimits{identify.ID: many, identify.IDPush: many},
	}.Build(limits.AutoScale())
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(concrete),
		append(iplimit.Options(connsPerAddress, newConnsPerAddress), rcmgr.WithMetricsDisabled())...)
}
