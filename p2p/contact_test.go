package p2p

import (
	"crypto/rand"
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// at is a new peer's contact, with an address that it signed.
func at(t *testing.T, addr string) wire.Contact {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	info := peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{multiaddr.StringCast(addr)}}
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

// Over the Internet nobody can make a node dial into its own network: not as the asker
// of a query, whom hits go to, nor in a sample, nor as a joiner.
func TestPrivateAddressFromAfar(t *testing.T) {
	private, public := at(t, "/ip4/192.168.1.1/tcp/80"), at(t, "/ip4/1.2.3.4/tcp/80")
	nameless := wire.Contact{Peer: public.Peer}
	lan, internet := multiaddr.StringCast("/ip4/192.168.1.7/tcp/4001"), multiaddr.StringCast("/ip4/8.8.8.8/tcp/4001")
	c := newContacts(nil)
	for _, test := range []struct {
		what    string
		via     multiaddr.Multiaddr
		foreign bool
	}{
		{"from the same network", lan, false},
		{"from afar", internet, true},
	} {
		query := func(asker wire.Contact) wire.Message {
			return wire.Message{Kind: wire.KindQuery, Query: &wire.Query{Key: "k"}, Walk: &wire.Walk{Kind: wire.WalkGuided, Asker: asker}}
		}
		m := query(private)
		if !c.strip(&m, test.via) || m.Query == nil || m.Walk == nil || (m.Walk.Asker.Peer == "") != test.foreign {
			t.Errorf("%s: the asker is %+v", test.what, m.Walk)
		}
		m = query(public)
		if !c.strip(&m, test.via) || m.Walk.Asker.Peer != public.Peer {
			t.Errorf("%s: a public asker is gone", test.what)
		}
		m = wire.Message{Kind: wire.KindShuffleReply, Contacts: []wire.Contact{private, nameless, public}}
		kept := c.strip(&m, test.via)
		has := slices.ContainsFunc(m.Contacts, func(c wire.Contact) bool { return c.Peer == private.Peer })
		if !kept || has == test.foreign || m.Contacts[len(m.Contacts)-1].Peer != public.Peer || slices.ContainsFunc(m.Contacts, func(c wire.Contact) bool { return len(c.Record) == 0 }) {
			t.Errorf("%s: of a sample is left %+v", test.what, m.Contacts)
		}
		for _, kind := range []wire.Kind{wire.KindForwardJoin, wire.KindShuffle} {
			m = wire.Message{Kind: kind, Contact: private}
			if c.strip(&m, test.via) == test.foreign {
				t.Errorf("%s: message %d of a private contact: kept is %v", test.what, kind, !test.foreign)
			}
			m.Contact = public
			if !c.strip(&m, test.via) {
				t.Errorf("%s: message %d of a public contact is dropped", test.what, kind)
			}
		}
	}
}

// What a link brings is stripped before the core has it.
func TestLinkDropsForeignJoiner(t *testing.T) {
	d := testDriver()
	d.node.contacts = newContacts(nil)
	stream := &recorded{via: multiaddr.StringCast("/ip4/8.8.8.8/tcp/4001")}
	stream.says(t, wire.Message{Kind: wire.KindForwardJoin, Contact: at(t, "/ip4/10.0.0.1/tcp/80"), TTL: 3})
	_ = newLink(d, "peer", wire.Contact{}).read(stream)
	if d.dropped[droppedForeign] != 1 {
		t.Error("a private joiner from afar was handed on")
	}
}
