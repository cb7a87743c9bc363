package iplimit_test

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/iplimit"
)

// One public address gets what it may have, one of the own network all it wants.
func TestOptions(t *testing.T) {
	const conns = 10
	for addr, want := range map[string]int{
		"/ip4/203.0.114.7/tcp/1":  conns,
		"/ip6/2001:4860::1/tcp/1": conns,
		"/ip4/192.168.1.7/tcp/1":  5 * conns,
		"/ip4/100.64.1.7/tcp/1":   5 * conns,
		"/ip4/127.0.0.1/tcp/1":    5 * conns,
		"/ip6/fd00::1/tcp/1":      5 * conns,
	} {
		m, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(rcmgr.InfiniteLimits), iplimit.Options(conns, 1)...)
		if err != nil {
			t.Fatal(err)
		}
		granted := 0
		for range 5 * conns {
			if _, err := m.OpenConnection(network.DirInbound, true, multiaddr.StringCast(addr)); err == nil {
				granted++
			}
		}
		if granted != want {
			t.Errorf("%s: %d connections of %d granted, want %d", addr, granted, 5*conns, want)
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}
