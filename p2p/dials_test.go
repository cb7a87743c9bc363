package p2p

import (
	"testing"

	"github.com/multiformats/go-multiaddr"
)

func TestDialsAreSpaced(t *testing.T) {
	g := newDialGuard()
	a := multiaddr.StringCast("/ip4/203.0.114.1/tcp/1")
	b := multiaddr.StringCast("/ip4/203.0.114.1/tcp/2")
	if got := g.spaced([]multiaddr.Multiaddr{a, b}); len(got) != 2 {
		t.Fatalf("two new addresses: %v", got)
	}
	if got := g.spaced([]multiaddr.Multiaddr{a}); len(got) != 0 {
		t.Errorf("dialled a moment ago: %v", got)
	}
	connected := false
	if got, err := g.turn(t.Context(), []multiaddr.Multiaddr{a}, func() bool { connected = !connected; return connected }); got != nil || err != nil {
		t.Errorf("connected meanwhile: %v, %v", got, err)
	}
	if got, err := g.turn(t.Context(), []multiaddr.Multiaddr{a}, func() bool { return false }); len(got) != 1 || err != nil {
		t.Errorf("waiting for its turn: %v, %v", got, err)
	}
	granted := 0
	for range 2 * publicProbes {
		if g.fewPerIP(a) {
			granted++
		}
	}
	if granted != publicProbes {
		t.Errorf("%d probes of one public IP at once, want %d", granted, publicProbes)
	}
	for range 2 * publicProbes {
		if !g.fewPerIP(multiaddr.StringCast("/ip4/192.168.1.1/tcp/1")) {
			t.Error("a private address is limited like a public one")
		}
	}
}
