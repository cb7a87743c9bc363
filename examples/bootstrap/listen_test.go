package main

import (
	"testing"

	"github.com/multiformats/go-multiaddr"
)

func TestByUse(t *testing.T) {
	var addrs []multiaddr.Multiaddr
	for _, s := range []string{
		"/ip6/::1/tcp/1", "/ip4/127.0.0.1/udp/1/quic-v1", "/ip4/127.0.0.1/tcp/1", "/ip6/fe80::1/tcp/1",
		"/ip4/10.0.0.1/udp/1/quic-v1", "/ip4/10.0.0.1/tcp/1", "/ip6/2600::1/tcp/1", "/ip4/8.8.8.8/udp/1/quic-v1", "/ip4/8.8.8.8/tcp/1",
	} {
		addrs = append(addrs, multiaddr.StringCast(s))
	}
	want := []string{
		"/ip4/8.8.8.8/tcp/1", "/ip4/8.8.8.8/udp/1/quic-v1", "/ip6/2600::1/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip4/10.0.0.1/udp/1/quic-v1",
		"/ip4/127.0.0.1/tcp/1", "/ip4/127.0.0.1/udp/1/quic-v1", "/ip6/::1/tcp/1", "/ip6/fe80::1/tcp/1",
	}
	for i, a := range byUse(addrs) {
		if a.String() != want[i] {
			t.Errorf("%d: %s, want %s", i, a, want[i])
		}
	}
}
