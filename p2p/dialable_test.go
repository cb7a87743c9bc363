package p2p

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/wire"
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

// Addresses of one IPv4 provider, or one IPv6 customer, are one group; a LAN is none.
func TestGroup(t *testing.T) {
	c := &contacts{proved: newCache[[32]byte, []multiaddr.Multiaddr](8)}
	id, err := peer.Decode("12D3KooWQCkBm1BYtkHpocxCwMgR8yjitEeHGx8spzcDLGt2gkBm")
	if err != nil {
		t.Fatal(err)
	}
	for addr, want := range map[string]string{
		"/ip4/8.8.4.4/tcp/1":                   "8.8.0.0/16",
		"/ip4/192.168.1.2/tcp/1":               "",
		"/ip4/100.64.1.2/tcp/1":                "",
		"/ip4/127.0.0.1/tcp/1":                 "",
		"/ip6/2606:4700:4700:1111::1/tcp/1":    "2606:4700:4700::/48",
		"/ip6/2606:4700:4701::1/udp/1/quic-v1": "2606:4700:4701::/48",
		"/ip6/fd00::1/tcp/1":                   "",
		"/dns4/example.org/tcp/1":              "",
	} {
		contact := wire.Contact{Peer: wire.PeerID(id), Record: []byte(addr)}
		c.proved.Add(fingerprint(contact), []multiaddr.Multiaddr{multiaddr.StringCast(addr)})
		if got := c.group(contact); got != want {
			t.Errorf("%s is in %q, want %q", addr, got, want)
		}
	}
}
