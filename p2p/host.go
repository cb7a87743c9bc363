package p2p

import (
	"errors"
	"fmt"
	"math"
	"net/netip"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/x/rate"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/listenaddr"
)

// Connections between which the connection manager trims; neighbours are
// protected. Four times the default degree, and room for the services.
const (
	lowConns  = 160
	highConns = 256
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

// newResourceManager returns libp2p's defaults, but for the limits per address:
// peers on one machine, in one LAN or behind one carrier's NAT share an address,
// and thirty of them must form a full overlay.
func newResourceManager() (network.ResourceManager, error) {
	var v4, v6 []rcmgr.NetworkPrefixLimit
	var rates []rate.PrefixLimit
	for _, s := range []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"} {
		v4 = append(v4, rcmgr.NetworkPrefixLimit{Network: netip.MustParsePrefix(s), ConnCount: math.MaxInt})
		rates = append(rates, rate.PrefixLimit{Prefix: netip.MustParsePrefix(s)})
	}
	for _, s := range []string{"::1/128", "fc00::/7", "fe80::/10"} {
		v6 = append(v6, rcmgr.NetworkPrefixLimit{Network: netip.MustParsePrefix(s), ConnCount: math.MaxInt})
		rates = append(rates, rate.PrefixLimit{Prefix: netip.MustParsePrefix(s)})
	}
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	m, err := rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(limits.AutoScale()),
		rcmgr.WithNetworkPrefixLimit(v4, v6),
		rcmgr.WithLimitPerSubnet( // one public address: a household, a lab
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: 64}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: 64}, {PrefixLength: 48, ConnCount: 256}}),
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			NetworkPrefixLimits: rates,
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: rate.Limit{RPS: 1, Burst: 64}}},
				IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: rate.Limit{RPS: 1, Burst: 64}}},
			},
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("resource manager: %w", err)
	}
	return m, nil
}
