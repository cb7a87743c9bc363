package program

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/display"
)

// ParsePeers parses full multiaddrs, each with the peer ID at its end, as a bootstrap
// server prints its own. Addresses of one peer are put together; the order stays.
func ParsePeers(addrs []string) ([]peer.AddrInfo, error) {
	var peers []peer.AddrInfo
	at := map[peer.ID]int{}
	for _, s := range addrs {
		info, err := parsePeer(s)
		if err != nil {
			return nil, err
		}
		if i, ok := at[info.ID]; ok {
			peers[i].Addrs = append(peers[i].Addrs, info.Addrs...)
			continue
		}
		at[info.ID] = len(peers)
		peers = append(peers, info)
	}
	return peers, nil
}

func parsePeer(s string) (peer.AddrInfo, error) {
	const like = "such as /ip4/203.0.113.5/tcp/4001/p2p/12D3Koo..."
	addr, err := multiaddr.NewMultiaddr(s)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("%q is not a multiaddr %s: %s", s, like, display.Line(err.Error()))
	}
	info, err := peer.AddrInfoFromP2pAddr(addr)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("%q does not end in /p2p/ and a peer ID, %s", s, like)
	}
	if len(info.Addrs) == 0 {
		return peer.AddrInfo{}, fmt.Errorf("%q has a peer ID but no address, %s", s, like)
	}
	return *info, nil
}
