package p2p

import (
	"crypto/rand"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// at is a new peer's contact, with addresses that it signed.
func at(t *testing.T, addrs ...string) wire.Contact {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	info := peer.AddrInfo{ID: id}
	for _, a := range addrs {
		info.Addrs = append(info.Addrs, multiaddr.StringCast(a))
	}
	envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(info), key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := envelope.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return wire.Contact{Peer: wire.PeerID(id), Record: data}
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
