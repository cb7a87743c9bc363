package main

import (
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/connmgr"
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

// The limits of examples/bootstrap, whose server is measured; the reasons are there.
const (
	maxConns           = 12_000
	maxStreams         = 3 * maxConns
	streamWindow       = 256 << 10
	maxMemory          = maxStreams * streamWindow
	connsPerAddress    = 256
	newConnsPerAddress = 5
	collectAt          = 33
)

// newHost makes a host with the settings of examples/bootstrap, on loopback. Loopback
// is exempt from the limits for one address; everything else holds.
func newHost() (host.Host, error) {
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
	return libp2p.New(
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.Peerstore(addrs),
		libp2p.ResourceManager(manager),
		libp2p.ConnectionManager(&connmgr.NullConnMgr{}),
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Transport(quic.NewTransport),
		libp2p.Muxer(yamux.ID, &lean),
		libp2p.UserAgent("grapevine-bootstrap"),
		libp2p.Ping(false),
		libp2p.DisableRelay(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.DisableMetrics(),
	)
}

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
		Service:         map[string]rcmgr.ResourceLimits{identify.ServiceName: many},
		Protocol:        map[protocol.ID]rcmgr.ResourceLimits{identify.ID: many, identify.IDPush: many},
	}.Build(limits.AutoScale())
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(concrete),
		append(iplimit.Options(connsPerAddress, newConnsPerAddress), rcmgr.WithMetricsDisabled())...)
}
