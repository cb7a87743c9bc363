package p2p

import (
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/iplimit"
	"github.com/grapevine-p2p/grapevine/internal/listenaddr"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

func newHost(c *config, key crypto.PrivKey) (host.Host, error) {
	listen := c.listen
	if len(listen) == 0 {
		for _, a := range []string{"/ip4/0.0.0.0/tcp/0", "/ip4/0.0.0.0/udp/0/quic-v1", "/ip6/::/tcp/0", "/ip6/::/udp/0/quic-v1"} {
			listen = append(listen, multiaddr.StringCast(a))
		}
	} else if err := listenaddr.Free(listen); err != nil {
		return nil, err
	}
	resources, err := newResourceManager()
	if err != nil {
		return nil, err
	}
	conns, err := connmgr.NewConnManager(lowConns, highConns)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connection manager: %w", err), resources.Close())
	}
	opts := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.UserAgent(c.agent),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.ResourceManager(resources),
		libp2p.ConnectionManager(conns),
		libp2p.DisableRelay(),
		// On Close, v0.51's observed-address manager stops reading its event
		// subscription but leaves it open: a host that many peers identify to
		// meanwhile never closes.
		libp2p.DisableIdentifyAddressDiscovery(),
	}
	opts = append(opts, libp2p.ListenAddrs(listen...))
	if c.metrics != nil {
		opts = append(opts, libp2p.PrometheusRegisterer(c.metrics))
	} else {
		opts = append(opts, libp2p.DisableMetrics())
	}
	h, err := libp2p.New(opts...)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("libp2p host: %w", err), conns.Close(), resources.Close())
	}
	return h, nil
}

// newResourceManager returns libp2p's defaults, but for the limits per address and
// of a peer's overlay streams.
func newResourceManager() (network.ResourceManager, error) {
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	overlay := limits.ProtocolPeerBaseLimit
	overlay.StreamsInbound, overlay.StreamsOutbound, overlay.Streams = overlayStreams, overlayStreams, 2*overlayStreams
	limits.AddProtocolPeerLimit(wire.Overlay, overlay, rcmgr.BaseLimitIncrease{})
	m, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits.AutoScale()),
		iplimit.Options(connsPerAddress, newConnsPerAddress)...)
	if err != nil {
		return nil, fmt.Errorf("resource manager: %w", err)
	}
	return m, nil
}
