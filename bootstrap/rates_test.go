package bootstrap

import (
	"net/netip"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// TestRates: each peer, address and subnet has a rate of its own, and whoever is
// exempt by address still has the peer's.
func TestRates(t *testing.T) {
	r := rates{
		peers:   newQuota[peer.ID](1, 2, maxQuotas),
		addrs:   newQuota[netip.Prefix](1, 4, maxQuotas),
		subnets: newQuota[netip.Prefix](1, 6, maxQuotas),
	}
	here, near, far := netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("192.0.2.2/32"), netip.MustParsePrefix("198.51.100.1/32")
	for i, tt := range []struct {
		peer peer.ID
		from netip.Prefix
		wait time.Duration
	}{
		{"a", here, 0},
		{"a", here, 0},
		{"a", here, time.Second}, // the peer's rate
		{"b", here, 0},
		{"b", here, 0},
		{"c", here, time.Second}, // the address's
		{"c", netip.Prefix{}, 0}, // which does not count for one that is exempt
		{"c", netip.Prefix{}, time.Second},
		{"d", near, 0},
		{"d", near, 0},
		{"e", near, time.Second}, // the subnet's
		{"f", far, 0},
		{"a", far, time.Second}, // a peer is the same wherever it comes from
	} {
		if wait, ok := r.take(t0, tt.peer, tt.from); wait != tt.wait || ok != (wait == 0) {
			t.Errorf("%d: %s from %s is to wait %s, %v; want %s", i, tt.peer, tt.from, wait, ok, tt.wait)
		}
	}
	if wait, ok := r.take(t0.Add(time.Second), "a", here); !ok {
		t.Errorf("a second later: wait %s", wait)
	}
	claims := rates{addrs: r.addrs, subnets: r.subnets}
	for range 100 {
		if _, ok := claims.take(t0, "g", netip.Prefix{}); !ok {
			t.Fatal("nothing limits those who are exempt where there is no rate of peers")
		}
	}
}
