// Package iplimit sets how much of a libp2p host one address may take. libp2p's own
// limits would keep thirty peers on one LAN, or behind one carrier's NAT, from
// forming a full overlay.
package iplimit

import (
	"math"
	"net/netip"

	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/x/rate"
)

// site is the part of IPv6 that one household or company has.
const site = 56

// near are the ranges without limits for one address: loopback, private,
// link-local and shared.
func near() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10",
		"::1/128", "fc00::/7", "fe80::/10",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// Options returns the resource manager's options for at most conns connections from
// one public address, IPv6 counted by /56, of which perSecond may be new each second
// after a burst of all. Loopback, private, link-local and shared addresses are exempt.
func Options(conns int, perSecond float64) []rcmgr.Option {
	var v4, v6 []rcmgr.NetworkPrefixLimit
	var rates []rate.PrefixLimit
	for _, prefix := range near() {
		rates = append(rates, rate.PrefixLimit{Prefix: prefix}) // zero: no limit
		limit := rcmgr.NetworkPrefixLimit{Network: prefix, ConnCount: math.MaxInt}
		if prefix.Addr().Is4() {
			v4 = append(v4, limit)
		} else {
			v6 = append(v6, limit)
		}
	}
	limit := rate.Limit{RPS: perSecond, Burst: conns}
	return []rcmgr.Option{
		rcmgr.WithNetworkPrefixLimit(v4, v6),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: conns}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: site, ConnCount: conns}}),
		rcmgr.WithConnRateLimiters(&rate.Limiter{
			NetworkPrefixLimits: rates,
			SubnetRateLimiter: rate.SubnetLimiter{
				IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: limit}},
				IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: site, Limit: limit}},
			},
		}),
	}
}
