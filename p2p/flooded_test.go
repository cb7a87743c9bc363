package p2p_test

import (
	"crypto/rand"
	"testing"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/multiformats/go-multiaddr"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// madeUp is a contact of a peer that does not exist, with a good signature.
func madeUp(t *testing.T) wire.Contact {
	t.Helper()
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(peer.AddrInfo{
		ID: id, Addrs: []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/127.0.0.1/tcp/9")},
	}), key)
	if err != nil {
		t.Fatal(err)
	}
	data, err := envelope.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return wire.Contact{Peer: wire.PeerID(id), Record: data}
}

// Whoever pours new records over a node does not make it check all of them.
func TestFloodOfRecords(t *testing.T) {
	registry := prometheus.NewRegistry()
	victim := p2ptest.New(t, 1, p2p.WithMetrics(registry)).Nodes[0]
	a := newAttacker(t, victim)
	s := a.hello(victim)
	for range 30 {
		var contacts []wire.Contact
		for range wire.MaxContacts {
			contacts = append(contacts, madeUp(t))
		}
		a.send(s, wire.Message{Kind: wire.KindShuffleReply, Contacts: contacts})
	}
	eventually(t, "messages are dropped unproved", func() bool {
		return counter(t, registry, "grapevine_dropped_unproved_total") > 0
	})
}
