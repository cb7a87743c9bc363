package program

import (
	"strconv"
	"strings"
	"testing"
)

func TestParsePeers(t *testing.T) {
	const addrA2 = "/ip6/::1/tcp/4001/p2p/" + idA
	peers, err := ParsePeers([]string{addrA, addrB, addrA2})
	if err != nil {
		t.Fatal(err)
	}
	if len(peers) != 2 || peers[0].ID.String() != idA || peers[1].ID.String() != idB || len(peers[0].Addrs) != 2 {
		t.Errorf("peers %v", peers)
	}
	if peers, err := ParsePeers(nil); len(peers) != 0 || err != nil {
		t.Errorf("none: %v, %v", peers, err)
	}
}

func TestParsePeersNamesTheBadOne(t *testing.T) {
	for bad, say := range map[string]string{
		"":                                "not a multiaddr",
		"localhost:4001":                  "not a multiaddr",
		"/ip4/127.0.0.1/tcp/99999":        "not a multiaddr",
		"/ip4/127.0.0.1/tcp/4001":         "does not end in /p2p/",
		"/ip4/127.0.0.1/tcp/4001/p2p/abc": "not a multiaddr",
		"/p2p/" + idA:                     "no address",
		"/ip4/1.2.3.4/tcp/1/p2p/\x1b[31m": "not a multiaddr",
	} {
		_, err := ParsePeers([]string{addrA, bad, addrB})
		if err == nil || !strings.Contains(err.Error(), say) || !strings.HasPrefix(err.Error(), strconv.Quote(bad)) {
			t.Errorf("%q: %v", bad, err)
		}
		if err != nil && strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%q: raw control characters in %q", bad, err)
		}
	}
}
