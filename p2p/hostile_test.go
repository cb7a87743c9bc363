package p2p_test

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"io"
	"strings"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/fabric"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// attacker is a libp2p host that speaks the protocols by hand.
type attacker struct {
	host.Host
	t *testing.T
}

func newAttacker(t *testing.T, target *p2p.Node) attacker {
	t.Helper()
	h, err := new(fabric.Fabric).NewHost(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	if err := h.Connect(t.Context(), target.AddrInfo()); err != nil {
		t.Fatal(err)
	}
	return attacker{h, t}
}

func (a attacker) contact() wire.Contact {
	a.t.Helper()
	info := peer.AddrInfo{ID: a.ID(), Addrs: a.Addrs()}
	envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(info), a.Peerstore().PrivKey(a.ID()))
	if err != nil {
		a.t.Fatal(err)
	}
	data, err := envelope.Marshal()
	if err != nil {
		a.t.Fatal(err)
	}
	return wire.Contact{Peer: wire.PeerID(a.ID()), Record: data}
}

func (a attacker) open(to *p2p.Node, id protocol.ID) network.Stream {
	a.t.Helper()
	s, err := a.NewStream(a.t.Context(), to.ID(), id)
	if err != nil {
		a.t.Fatal(err)
	}
	if err := s.SetDeadline(time.Now().Add(patience)); err != nil {
		a.t.Fatal(err)
	}
	return s
}

func (a attacker) hello(to *p2p.Node) network.Stream {
	a.t.Helper()
	s := a.open(to, wire.Overlay)
	a.send(s, wire.Message{Kind: wire.KindHello, Hello: &wire.Hello{Network: to.Network(), Record: a.contact().Record}})
	if m, err := wire.Read(oneByte{s}); err != nil || m.Kind != wire.KindHello {
		a.t.Fatalf("answer to a good hello: %+v, %v", m, err)
	}
	return s
}

func (a attacker) send(s network.Stream, m wire.Message) {
	a.t.Helper()
	if err := wire.Write(s, m); err != nil {
		a.t.Fatal(err)
	}
}

type oneByte struct{ io.Reader }

func (r oneByte) ReadByte() (byte, error) {
	var b [1]byte
	_, err := io.ReadFull(r.Reader, b[:])
	return b[0], err
}

// ends waits until the other side has ended the stream.
func ends(t *testing.T, s network.Stream) {
	t.Helper()
	for {
		if _, err := s.Read(make([]byte, 4096)); err != nil {
			if ne, ok := err.(interface{ Timeout() bool }); ok && ne.Timeout() {
				t.Error("the stream stayed open")
			}
			return
		}
	}
}

// garbage is what no decoder takes.
func garbage(t *testing.T) map[string][]byte {
	noise := make([]byte, 1000)
	if _, err := rand.Read(noise); err != nil {
		t.Fatal(err)
	}
	noise[0] = 0x7f
	return map[string][]byte{
		"noise":          bytes.Repeat([]byte{0xff}, 300),
		"random body":    noise,
		"huge length":    binary.AppendUvarint(nil, 1<<40),
		"over the limit": append(binary.AppendUvarint(nil, wire.MaxSummaryFrame+1), make([]byte, wire.MaxSummaryFrame+1)...),
		"no body":        {0},
		"endless prefix": bytes.Repeat([]byte{0x80}, 20),
	}
}

// On every protocol a garbage or oversized frame costs its sender the stream, and
// nothing else: the network goes on.
func TestGarbageCostsTheLinkOnly(t *testing.T) {
	net := p2ptest.New(t, 3)
	victim := net.Nodes[0]
	defer net.Nodes[2].Share(p2p.Items{{Key: "k", Name: "n"}})()
	l, err := victim.Listen("files")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for name, data := range garbage(t) {
		t.Run(name, func(t *testing.T) {
			a := newAttacker(t, victim)
			s := a.open(victim, wire.Overlay)
			_, _ = s.Write(data) // the victim may have hung up in the middle
			_ = s.CloseWrite()
			ends(t, s)

			s = a.open(victim, wire.Service)
			_, _ = s.Write(data)
			_ = s.CloseWrite()
			ends(t, s)

			s = a.hello(victim)
			_, _ = s.Write(data)
			ends(t, s)
		})
	}
	if hits := collect(t, victim, p2p.Query{Key: "k", Max: 1, Timeout: patience}); len(hits) != 1 {
		t.Errorf("after the attacks the victim found %d", len(hits))
	}
}

func TestForgedContactsCostTheLink(t *testing.T) {
	victim := p2ptest.New(t, 1).Nodes[0]
	for name, forge := range map[string]func(attacker) wire.Message{
		"record signed by another": func(a attacker) wire.Message {
			c := a.contact()
			c.Peer = wire.PeerID(victim.ID())
			return wire.Message{Kind: wire.KindShuffleReply, Contacts: []wire.Contact{c}}
		},
		"record damaged": func(a attacker) wire.Message {
			c := a.contact()
			c.Record[len(c.Record)-1] ^= 1
			return wire.Message{Kind: wire.KindJoin, Contact: c}
		},
		"asker's record damaged": func(a attacker) wire.Message {
			c := a.contact()
			c.Record[len(c.Record)-1] ^= 1
			return wire.Message{
				Kind: wire.KindQuery, TTL: 1, Query: &wire.Query{Key: "k", Max: 1}, Walk: &wire.Walk{Kind: wire.WalkGuided, Asker: c},
			}
		},
		"reporter's record signed by another": func(a attacker) wire.Message {
			c := a.contact()
			c.Peer = wire.PeerID(victim.ID())
			return wire.Message{Kind: wire.KindReport, Contact: c, Tally: &wire.Tally{}}
		},
		"no peer ID": func(a attacker) wire.Message {
			return wire.Message{Kind: wire.KindShuffleReply, Contacts: []wire.Contact{{Peer: "x"}}}
		},
		"second hello": func(a attacker) wire.Message {
			return wire.Message{Kind: wire.KindHello, Hello: &wire.Hello{Network: victim.Network(), Record: a.contact().Record}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			a := newAttacker(t, victim)
			s := a.hello(victim)
			a.send(s, forge(a))
			ends(t, s)
			// It is refused in words from now on.
			s = a.open(victim, wire.Overlay)
			a.send(s, wire.Message{Kind: wire.KindHello, Hello: &wire.Hello{Network: victim.Network(), Record: a.contact().Record}})
			if m, err := wire.Read(oneByte{s}); err != nil || m.Kind != wire.KindRefusal {
				t.Errorf("after the breach: %+v, %v", m, err)
			}
		})
	}
}

func TestSlowHelloIsNotWaitedForForever(t *testing.T) {
	victim := p2ptest.New(t, 1).Nodes[0]
	a := newAttacker(t, victim)
	s := a.open(victim, wire.Service)
	if _, err := s.Write([]byte{200}); err != nil { // the first byte of a frame, and no more
		t.Fatal(err)
	}
	ends(t, s)
}

func TestServiceQueueIsBounded(t *testing.T) {
	net := p2ptest.New(t, 1)
	victim := net.Nodes[0]
	l, err := victim.Listen("files") // nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	a := newAttacker(t, victim)
	for range 1000 {
		s := a.open(victim, wire.Service)
		if err := wire.WriteFrame(s, wire.MaxControlFrame, &pb.Open{Network: victim.Network(), Service: "files"}); err != nil {
			t.Fatal(err)
		}
		var opened pb.Opened
		if err := wire.ReadFrame(oneByte{s}, wire.MaxControlFrame, &opened); err != nil {
			t.Fatal(err)
		}
		if opened.GetStatus() == pb.OpenStatus_OPEN_BUSY {
			return
		}
	}
	t.Error("a thousand conns wait for an Accept that never comes")
}

// A peer whose link was closed cannot keep it by going on to talk.
func TestClosedLinkIsNotHeldOpen(t *testing.T) {
	victim := p2ptest.New(t, 1).Nodes[0]
	a := newAttacker(t, victim)
	s := a.hello(victim)
	a.send(s, wire.Message{Kind: wire.KindJoin, Contact: a.contact()})
	eventually(t, "the attacker is a neighbour", func() bool { return len(victim.Neighbours()) == 1 })
	a.send(s, wire.Message{Kind: wire.KindDisconnect})
	every := time.NewTicker(20 * time.Millisecond)
	defer every.Stop()
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if err := wire.Write(s, wire.Message{Kind: wire.KindPong}); err != nil {
			return
		}
		select {
		case <-every.C:
		case <-late.C:
			t.Fatal("the victim still reads")
		}
	}
}

// Garbage, other networks and foreign records on the presence topic reach nobody's list.
func TestForgedPresence(t *testing.T) {
	registry := prometheus.NewRegistry()
	net := p2ptest.New(t, 0)
	victim := net.Add(p2p.WithMetrics(registry))
	net.Join(net.Add())
	if err := net.Nodes[1].Announce("honest"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the honest one is seen", func() bool { return len(victim.Online()) == 1 })

	foreign := madeUp(t).Record
	for _, forge := range []func(own []byte) *pb.Presence{
		nil, // garbage
		func(own []byte) *pb.Presence { return &pb.Presence{Network: "elsewhere", Name: "mallory", Record: own} },
		func([]byte) *pb.Presence {
			return &pb.Presence{Network: victim.Network(), Name: "mallory", Record: foreign}
		},
		func(own []byte) *pb.Presence { return &pb.Presence{Network: victim.Network(), Record: own} },
		func(own []byte) *pb.Presence {
			return &pb.Presence{Network: victim.Network(), Name: strings.Repeat("m", 1000), Record: own}
		},
	} {
		a := newAttacker(t, victim) // a new one: who forged five times is not listened to any more
		messages := [][]byte{[]byte("garbage"), make([]byte, 20<<10)}
		if forge != nil {
			data, err := proto.Marshal(forge(a.contact().Record))
			if err != nil {
				t.Fatal(err)
			}
			messages = [][]byte{data}
		}
		router, err := pubsub.NewGossipSub(t.Context(), a.Host)
		if err != nil {
			t.Fatal(err)
		}
		topic, err := router.Join(victim.TopicPrefix() + "presence")
		if err != nil {
			t.Fatal(err)
		}
		eventually(t, "the attacker is among the topic's peers", func() bool { return len(topic.ListPeers()) > 0 })
		before := counter(t, registry, "grapevine_pubsub_rejected_total")
		for _, m := range messages {
			if err := topic.Publish(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "all are rejected", func() bool {
			return counter(t, registry, "grapevine_pubsub_rejected_total") >= before+float64(len(messages))
		})
	}
	if online := names(victim); len(online) != 1 || online[0] != "honest" {
		t.Errorf("online are %q", online)
	}
}
