package main

import (
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/grapevine-p2p/grapevine/internal/iplimit"
)

// The limits of examples/bootstrap, whose server is measured.
const (
	maxConns           = 12_000
	maxStreams         = 4 * maxConns
	maxMemory          = 2 << 30
	connsPerAddress    = 256
	newConnsPerAddress = 5
	listenAddr         = "/ip4/127.0.0.1/tcp/0"
	maxTransient       = maxConns / 10
	maxTransientMemory = maxMemory / 8
)

// newHost makes a host with the settings of examples/bootstrap, on loopback. Loopback
// is exempt from the limits for one address; everything else holds.
func newHost() (host.Host, error) {
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	many := rcmgr.ResourceLimits{
		Conns: maxConns, ConnsInbound: maxConns, FD: maxConns,
		Streams: maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams, Memory: maxMemory,
	}
	concrete := rcmgr.PartialLimitConfig{
		System:          many,
		Transient:       rcmgr.ResourceLimits{Conns: maxTransient, ConnsInbound: maxTransient, FD: maxTransient, Memory: maxTransientMemory},
		ProtocolDefault: many,
		ServiceDefault:  many,
	}.Build(limits.AutoScale())
	manager, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(concrete),
		append(iplimit.Options(connsPerAddress, newConnsPerAddress), rcmgr.WithMetricsDisabled())...)
	if err != nil {
		return nil, fmt.Errorf("set limits: %w", err)
	}
	conns, err := connmgr.NewConnManager(maxConns, 2*maxConns)
	if err != nil {
		return nil, fmt.Errorf("set limits: %w", err)
	}
	return libp2p.New(
		libp2p.ListenAddrStrings(listenAddr),
		libp2p.ResourceManager(manager),
		libp2p.ConnectionManager(conns),
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Transport(quic.NewTransport),
		libp2p.UserAgent("grapevine-bootstrap"),
		libp2p.DisableRelay(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.DisableMetrics(),
	)
}
