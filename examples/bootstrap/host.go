package main

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/x/rate"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

const (
	// maxConns is the number of connections: as many as leases are renewed over.
	// Beyond the watermarks libp2p would trim idle ones, and a trimmed peer counts
	// as away, so they are out of reach.
	maxConns = 12_000
	// maxStreams: a directory stream and identify for each, and some watches.
	maxStreams = 4 * maxConns
	// maxMemory is reserved for the buffers of streams.
	maxMemory = 2 << 30
	// connsPerIP4 and connsPerIP6 are for one public address (IPv6: a /56): a
	// household or a lab; a lab behind one address is known to have hundreds.
	connsPerIP4 = 256
	connsPerIP6 = 256
	// newConnsPerIP a second, with a burst of all that one address may have.
	newConnsPerIP = 5
)

// defaultListen is where the server listens if nobody said otherwise.
func defaultListen() []string {
	return []string{"/ip4/0.0.0.0/tcp/4001", "/ip4/0.0.0.0/udp/4001/quic-v1"}
}

// near are the ranges without limits for one address: loopback, private,
// link-local and shared.
func near() []string {
	return []string{
		"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
		"::1/128", "fc00::/7", "fe80::/10",
	}
}

// newHost makes a host that does not listen yet.
func newHost(key crypto.PrivKey) (host.Host, error) {
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	many := rcmgr.ResourceLimits{
		Conns: maxConns, ConnsInbound: maxConns, FD: maxConns,
		Streams: maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams, Memory: maxMemory,
	}
	concrete := rcmgr.PartialLimitConfig{
		System:          many,
		Transient:       rcmgr.ResourceLimits{Conns: maxConns / 10, ConnsInbound: maxConns / 10, FD: maxConns / 10, Memory: maxMemory / 8},
		ProtocolDefault: many,
		ServiceDefault:  many,
	}.Build(limits.AutoScale())

	var v4, v6 []rcmgr.NetworkPrefixLimit
	var rates []rate.PrefixLimit
	for _, s := range near() {
		prefix := netip.MustParsePrefix(s)
		rates = append(rates, rate.PrefixLimit{Prefix: prefix})
		limit := rcmgr.NetworkPrefixLimit{Network: prefix, ConnCount: math.MaxInt}
		if prefix.Addr().Is4() {
			v4 = append(v4, limit)
		} else {
			v6 = append(v6, limit)
		}
	}
	manager, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(concrete),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithNetworkPrefixLimit(v4, v6),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: connsPerIP4}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: connsPerIP6}}),
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			NetworkPrefixLimits: rates,
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: rate.Limit{RPS: newConnsPerIP, Burst: connsPerIP4}}},
				IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: rate.Limit{RPS: newConnsPerIP, Burst: connsPerIP6}}},
			},
		}))
	if err != nil {
		return nil, fmt.Errorf("set limits: %w", err)
	}
	conns, err := connmgr.NewConnManager(maxConns, 2*maxConns)
	if err != nil {
		return nil, fmt.Errorf("set limits: %w", err)
	}
	h, err := libp2p.New(
		libp2p.Identity(key),
		libp2p.NoListenAddrs,
		libp2p.ResourceManager(manager),
		libp2p.ConnectionManager(conns),
		// Without SO_REUSEPORT, with which a second server would take half of the
		// connections to the same port instead of an error.
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.Transport(quic.NewTransport),
		libp2p.UserAgent("grapevine-bootstrap"),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	)
	if err != nil {
		return nil, fmt.Errorf("start a libp2p host: %w", err)
	}
	return h, nil
}

// listen opens the addresses one by one, because libp2p is content with some of
// them.
func listen(h host.Host, addrs []string) error {
	if len(addrs) == 0 {
		addrs = defaultListen()
	}
	for _, s := range addrs {
		addr, err := multiaddr.NewMultiaddr(s)
		if err != nil {
			return fmt.Errorf("listen on %q: %w", s, err)
		}
		if err := h.Network().Listen(addr); err != nil {
			return fmt.Errorf("listen on %s: %w", s, simpler(err))
		}
	}
	return nil
}

// simpler takes the common case out of libp2p's list of errors.
func simpler(err error) error {
	for _, sign := range []string{"address already in use", "Only one usage of each socket address"} {
		if strings.Contains(err.Error(), sign) {
			return fmt.Errorf("the port is taken by another program; stop that one, or choose another with --listen")
		}
	}
	return err
}

// byUse sorts addresses by how likely others can dial them: public before private
// before loopback ones, IPv4 before IPv6, TCP first.
func byUse(addrs []multiaddr.Multiaddr) []multiaddr.Multiaddr {
	return slices.SortedStableFunc(slices.Values(addrs), func(a, b multiaddr.Multiaddr) int {
		return cmp.Compare(distance(a), distance(b))
	})
}

func distance(a multiaddr.Multiaddr) int {
	d := 0
	switch {
	case manet.IsIPLoopback(a):
		d += 8
	case manet.IsIP6LinkLocal(a):
		d += 12
	case !manet.IsPublicAddr(a):
		d += 4
	}
	if _, err := a.ValueForProtocol(multiaddr.P_IP6); err == nil {
		d += 2
	}
	if _, err := a.ValueForProtocol(multiaddr.P_TCP); err != nil {
		d++
	}
	return d
}
