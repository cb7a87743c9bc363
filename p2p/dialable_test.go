package p2p

import (
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/feed"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// home is a host with these addresses, linked to others over via.
type home struct {
	host.Host
	addrs []multiaddr.Multiaddr
	via   multiaddr.Multiaddr
}

func (h home) Addrs() []multiaddr.Multiaddr { return h.addrs }
func (h home) Network() network.Network     { return linked{via: h.via} }

// cast reads multiaddrs.
func cast(addrs ...string) (all []multiaddr.Multiaddr) {
	for _, a := range addrs {
		all = append(all, multiaddr.StringCast(a))
	}
	return all
}

func TestDialable(t *testing.T) {
	const public, near, other, loopback = "/ip4/8.8.8.8/tcp/1", "/ip4/192.168.1.2/tcp/1", "/ip4/10.0.0.1/tcp/1", "/ip4/127.0.0.1/tcp/1"
	c := newContacts(home{addrs: cast("/ip4/192.168.1.7/tcp/4001")})
	for _, test := range []struct {
		what        string
		addrs, want []string
		afar        bool
	}{
		{"private ones from near", []string{near, other, loopback}, []string{near, other, loopback}, false},
		{"both from near", []string{public, near, other, loopback}, []string{public, near}, false},
		{"private ones from afar", []string{near, other, loopback}, nil, true},
		{"both from afar", []string{public, near, other, loopback}, []string{public}, true},
	} {
		if got := c.dialable(cast(test.addrs...), test.afar); !slices.EqualFunc(got, cast(test.want...), multiaddr.Multiaddr.Equal) {
			t.Errorf("%s: %v", test.what, got)
		}
	}
}

// linked is a network with a connection over via to whoever is asked for.
type linked struct {
	network.Network
	via multiaddr.Multiaddr
}

func (n linked) ConnsToPeer(peer.ID) []network.Conn { return []network.Conn{noConn{via: n.via}} }

// Who is far away cannot name addresses of the own network, neither to a service nor in
// an announcement.
func TestDialableByWhoTold(t *testing.T) {
	addrs := cast("/ip4/1.2.3.4/tcp/80", "/ip4/192.168.1.1/tcp/80")
	for _, test := range []struct {
		via  multiaddr.Multiaddr
		want []multiaddr.Multiaddr
	}{{lan, addrs}, {internet, addrs[:1]}} {
		h := home{addrs: cast("/ip4/192.168.1.7/tcp/4001"), via: test.via}
		node := &Node{host: h, contacts: newContacts(h), events: feed.New[Event](eventQueue)}
		if got := node.Dialable(addrs, "via"); !slices.EqualFunc(got, test.want, multiaddr.Multiaddr.Equal) {
			t.Errorf("over %s: %v", test.via, got)
		}
		p := &presence{node: node, online: make(map[peer.ID]Presence), latest: newCache[peer.ID, uint64](maxPresent)}
		p.heard(&pb.Presence{Name: "ana"}, peer.AddrInfo{ID: "ana", Addrs: addrs}, "via", 1, time.Now())
		if got := p.online["ana"].Addrs; !slices.EqualFunc(got, test.want, multiaddr.Multiaddr.Equal) {
			t.Errorf("ana, told of over %s, is online at %v", test.via, got)
		}
	}
}
