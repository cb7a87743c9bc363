package p2p

import (
	"testing"

	"github.com/multiformats/go-multiaddr"
)

func TestPrivateFromAfar(t *testing.T) {
	const public, private, loopback = "/ip4/8.8.8.8/tcp/1", "/ip4/192.168.1.2/tcp/1", "/ip4/127.0.0.1/tcp/1"
	for _, c := range []struct {
		via   string
		addrs []string
		want  bool
	}{
		{public, []string{private, loopback}, true},
		{public, []string{loopback}, true},
		{public, []string{private, public}, false},
		{private, []string{private}, false},
		{loopback, []string{loopback}, false},
	} {
		var addrs []multiaddr.Multiaddr
		for _, a := range c.addrs {
			addrs = append(addrs, multiaddr.StringCast(a))
		}
		if got := privateFromAfar(addrs, multiaddr.StringCast(c.via)); got != c.want {
			t.Errorf("%v over %s: %v", c.addrs, c.via, got)
		}
	}
}
