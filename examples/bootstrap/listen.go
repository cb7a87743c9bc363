package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// defaultListen is where the server listens if nobody said otherwise.
func defaultListen() []string {
	return []string{"/ip4/0.0.0.0/tcp/4001", "/ip4/0.0.0.0/udp/4001/quic-v1"}
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
			return fmt.Errorf("listen on %s: %w", s, simpler(err, "--listen"))
		}
	}
	return nil
}

// simpler takes the common case out of a system's error or libp2p's list of them. flag
// is where another port is chosen.
func simpler(err error, flag string) error {
	for _, sign := range []string{"address already in use", "Only one usage of each socket address"} {
		if strings.Contains(err.Error(), sign) {
			return fmt.Errorf("the port is taken by another program; stop that one, or choose another with %s", flag)
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
