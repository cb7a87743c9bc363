package p2p

import (
	"slices"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/fabric"
	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

var (
	lan      = multiaddr.StringCast("/ip4/192.168.1.7/tcp/4001")
	internet = multiaddr.StringCast("/ip4/8.8.8.8/tcp/4001")
)

// walk is a query that names its asker.
func walk(asker wire.Contact) wire.Message {
	return wire.Message{Kind: wire.KindQuery, Query: &wire.Query{Key: "k"}, Walk: &wire.Walk{Kind: wire.WalkGuided, Asker: asker}}
}

// Over the Internet nobody with private addresses only gets into what the core has: not
// as the asker of a query, whom hits go to, nor in a sample, nor as a joiner or a holder.
func TestStrip(t *testing.T) {
	private, public := at(t, "/ip4/192.168.1.1/tcp/80"), at(t, "/ip4/1.2.3.4/tcp/80")
	nameless := wire.Contact{Peer: public.Peer}
	for _, test := range []struct {
		what string
		via  multiaddr.Multiaddr
		want int // taken out, of one
	}{
		{"from the same network", lan, 0},
		{"from afar", internet, 1},
	} {
		c := newContacts(home{})
		m := walk(private)
		if foreign, useful := c.strip(&m, test.via); !useful || foreign != test.want || (m.Walk.Asker.Peer == "") != (test.want == 1) {
			t.Errorf("%s: the asker is %+v", test.what, m.Walk.Asker)
		}
		m = walk(public)
		if foreign, useful := c.strip(&m, test.via); !useful || foreign != 0 || m.Walk.Asker.Peer != public.Peer {
			t.Errorf("%s: a public asker is gone", test.what)
		}
		m = wire.Message{Kind: wire.KindShuffleReply, Contacts: []wire.Contact{private, nameless, public}}
		foreign, useful := c.strip(&m, test.via)
		has := slices.ContainsFunc(m.Contacts, func(c wire.Contact) bool { return c.Peer == private.Peer })
		if !useful || foreign != test.want || has == (test.want == 1) || len(m.Contacts) != 2-test.want || m.Contacts[len(m.Contacts)-1].Peer != public.Peer {
			t.Errorf("%s: of a sample is left %+v", test.what, m.Contacts)
		}
		for _, kind := range []wire.Kind{wire.KindForwardJoin, wire.KindShuffle} {
			m = wire.Message{Kind: kind, Contact: private}
			if foreign, useful := c.strip(&m, test.via); foreign != test.want || useful == (test.want == 1) {
				t.Errorf("%s: message %d of a private contact: useful is %v", test.what, kind, useful)
			}
			m.Contact = public
			if _, useful := c.strip(&m, test.via); !useful {
				t.Errorf("%s: message %d of a public contact is dropped", test.what, kind)
			}
			m.Contact = nameless
			if _, useful := c.strip(&m, test.via); useful {
				t.Errorf("%s: message %d of a contact without addresses is handed on", test.what, kind)
			}
		}
		for _, kind := range []wire.Kind{wire.KindJoin, wire.KindHit, wire.KindReport} {
			m = wire.Message{Kind: kind, Contact: private}
			foreign, useful := c.strip(&m, test.via)
			if !useful || foreign != test.want || m.Contact.Peer != private.Peer || (len(m.Contact.Record) == 0) != (test.want == 1) {
				t.Errorf("%s: message %d of a private contact has a record of %d bytes", test.what, kind, len(m.Contact.Record))
			}
		}
	}
}

// However a contact comes over the Internet, its private addresses are dialled by nobody
// and told to nobody; near, they are.
func TestPrivateAddressesFromAfar(t *testing.T) {
	const private, public = "/ip4/192.168.1.1/tcp/80", "/ip4/1.2.3.4/tcp/80"
	for _, signed := range [][]string{{private}, {private, public}} {
		for name, tell := range map[string]func(c *contacts, from wire.Contact, via multiaddr.Multiaddr) wire.Contact{
			"hit": func(c *contacts, from wire.Contact, via multiaddr.Multiaddr) wire.Contact {
				m := wire.Message{Kind: wire.KindHit, Contact: from}
				c.strip(&m, via)
				return m.Contact
			},
			"asker": func(c *contacts, from wire.Contact, via multiaddr.Multiaddr) wire.Contact {
				m := walk(from)
				c.strip(&m, via)
				return m.Walk.Asker
			},
			"hello": func(c *contacts, from wire.Contact, via multiaddr.Multiaddr) wire.Contact {
				c.told(&from, via)
				return from
			},
			"joiner": func(c *contacts, from wire.Contact, via multiaddr.Multiaddr) wire.Contact {
				m := wire.Message{Kind: wire.KindJoin, Contact: from}
				c.strip(&m, via)
				return m.Contact
			},
			"sample": func(c *contacts, from wire.Contact, via multiaddr.Multiaddr) wire.Contact {
				m := wire.Message{Kind: wire.KindShuffleReply, Contacts: []wire.Contact{from}}
				c.strip(&m, via)
				return append(m.Contacts, wire.Contact{})[0]
			},
		} {
			c := newContacts(home{addrs: cast("/ip4/192.168.1.7/tcp/4001")})
			from := at(t, signed...)
			contact := tell(c, from, internet)
			if contact.Peer != "" {
				info, err := c.info(contact)
				if err != nil || !slices.EqualFunc(info.Addrs, cast(signed[1:]...), multiaddr.Multiaddr.Equal) {
					t.Errorf("%s from afar of a peer at %v: dialled at %v, %v", name, signed, info.Addrs, err)
				}
			}
			if info, err := c.info(tell(c, from, lan)); err != nil || len(info.Addrs) != len(signed) {
				t.Errorf("%s from near of a peer at %v: dialled at %v, %v", name, signed, info.Addrs, err)
			}
		}
	}
}

// What a link brings is stripped before the core has it, and counted.
func TestLinkStripsWhatComesFromAfar(t *testing.T) {
	private := at(t, "/ip4/10.0.0.1/tcp/80")
	for _, m := range []wire.Message{
		{Kind: wire.KindForwardJoin, Contact: private, TTL: 3},
		{Kind: wire.KindQuery, TTL: 3, Query: &wire.Query{Key: "k", Max: 1}, Walk: &wire.Walk{Kind: wire.WalkGuided, Asker: private}},
		{Kind: wire.KindHit, Contact: private, Items: []wire.Item{{Key: "k"}}},
	} {
		d := testDriver()
		d.node.contacts = newContacts(home{})
		stream := &recorded{via: internet}
		stream.says(t, m)
		_ = newLink(d, "peer", wire.Contact{}).read(stream)
		if d.dropped[droppedForeign] != 1 {
			t.Errorf("message %d: a private contact from afar was handed on, or not counted", m.Kind)
		}
	}
}

// Nor does the core get the record of a neighbour from afar, or the host its addresses.
func TestHelloFromAfar(t *testing.T) {
	h, err := new(fabric.Fabric).NewHost(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, test := range []struct {
		via    multiaddr.Multiaddr
		record bool
	}{{lan, true}, {internet, false}} {
		d := testDriver()
		d.node.host, d.node.driver, d.node.contacts = h, d, newContacts(h)
		from := at(t, "/ip4/192.168.1.1/tcp/80")
		id := peer.ID(from.Peer)
		contact, refusal := d.node.judgeHello(&recorded{from: id, via: test.via}, wire.Message{
			Kind: wire.KindHello, Hello: &wire.Hello{Record: from.Record},
		})
		if refusal != nil || len(contact.Record) > 0 != test.record || len(h.Peerstore().Addrs(id)) > 0 != test.record {
			t.Errorf("over %s: %+v, record of %d bytes, addresses %v", test.via, refusal, len(contact.Record), h.Peerstore().Addrs(id))
		}
		if counted := d.dropped[droppedForeign] > 0; counted == test.record {
			t.Errorf("over %s: counted is %v", test.via, counted)
		}
	}
}

// A node that has only private addresses names itself as the asker of walks where all
// peers are in its network, and nowhere else: what comes back from afar would be dropped.
func TestSecludedAskerIsNotNamed(t *testing.T) {
	h, err := new(fabric.Fabric).NewHost(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	for _, test := range []struct {
		what  string
		own   string
		learn func(c *contacts)
		named bool
	}{
		{"all are in one network", "/ip4/192.168.1.7/tcp/1", func(*contacts) {}, true},
		{"a peer has a public address", "/ip4/192.168.1.7/tcp/1", func(c *contacts) {
			m := wire.Message{Kind: wire.KindShuffleReply, Contacts: []wire.Contact{at(t, "/ip4/1.2.3.4/tcp/1")}}
			c.strip(&m, lan)
		}, false},
		{"there are none any more", "/ip4/192.168.1.7/tcp/1", func(c *contacts) {
			hello := at(t, "/ip4/1.2.3.4/tcp/1")
			c.told(&hello, internet)
			c.worldwide.Add(-int64(worldwideTime))
		}, true},
		{"a link goes over the Internet", "/ip4/192.168.1.7/tcp/1", func(c *contacts) {
			hello := at(t, "/ip4/10.0.0.1/tcp/1")
			c.told(&hello, internet)
		}, false},
		{"this node has a public address", "/ip4/8.8.4.4/tcp/1", func(c *contacts) {
			hello := at(t, "/ip4/1.2.3.4/tcp/1")
			c.told(&hello, internet)
		}, true},
	} {
		c := newContacts(home{Host: h, addrs: cast(test.own)})
		own, err := c.refresh()
		if err != nil {
			t.Fatal(err)
		}
		test.learn(c)
		d := testDriver()
		d.node.contacts = c
		l := newLink(d, "peer", wire.Contact{})
		d.links[l.peer] = l
		d.send(l.peer, overlay.Effect{Kind: overlay.Send, Peer: "peer", Msg: walk(own)})
		if sent := (<-l.outbox).message.Walk.Asker; (sent.Peer != "") != test.named {
			t.Errorf("%s: the asker named is %q", test.what, sent.Peer)
		}
		other := at(t, test.own)
		d.send(l.peer, overlay.Effect{Kind: overlay.Send, Peer: "peer", Msg: walk(other)})
		if sent := (<-l.outbox).message.Walk.Asker; sent.Peer != other.Peer {
			t.Errorf("%s: another asker is gone", test.what)
		}
	}
}
