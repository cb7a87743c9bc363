package p2p

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pspb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// recorded is a stream whose input is given, and which notes its read deadlines.
type recorded struct {
	network.Stream
	input     io.Reader
	deadlines []time.Time
	via       multiaddr.Multiaddr
	reset     bool
}

// says makes a message the input.
func (s *recorded) says(t *testing.T, m wire.Message) {
	t.Helper()
	var b bytes.Buffer
	if err := wire.Write(&b, m); err != nil {
		t.Fatal(err)
	}
	s.input = &b
}

type noConn struct {
	network.Conn
	via multiaddr.Multiaddr
}

func (c noConn) RemoteMultiaddr() multiaddr.Multiaddr { return c.via }
func (noConn) RemotePeer() peer.ID                    { return "newcomer" }

func (s *recorded) Read(p []byte) (int, error) { return s.input.Read(p) }
func (s *recorded) Conn() network.Conn         { return noConn{via: s.via} }
func (s *recorded) Reset() error               { s.reset = true; return nil }

func (s *recorded) SetReadDeadline(t time.Time) error {
	s.deadlines = append(s.deadlines, t)
	return nil
}

func testDriver() *driver {
	return newDriver(context.Background(), &Node{contacts: &contacts{}}, nil)
}

// However much a stranger says, its link ends.
func TestStrangerCannotHoldALink(t *testing.T) {
	var pongs bytes.Buffer
	for range 1000 {
		if err := wire.Write(&pongs, wire.Message{Kind: wire.KindPong}); err != nil {
			t.Fatal(err)
		}
	}
	d := testDriver()
	l := newLink(d, "stranger", wire.Contact{})
	stream := &recorded{input: &pongs}
	if err := l.read(stream); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	last := time.Now().Add(transientLife)
	for i := 0; i < len(stream.deadlines); i += 2 { // every other one is for a message's rest
		if stream.deadlines[i].After(last) || stream.deadlines[i] != stream.deadlines[0] {
			t.Fatalf("message %d moved the end of the link from %v to %v", i/2, stream.deadlines[0], stream.deadlines[i])
		}
	}
}

func TestCloseWhileDialling(t *testing.T) {
	d := testDriver()
	for _, test := range []struct {
		name    string
		sentNow bool
		givenUp bool
	}{
		{"a reply to a stranger goes out first", true, false},
		{"an old request is given up", false, true},
	} {
		d.batch++
		l := newLink(d, "peer", wire.Contact{})
		l.dialling, l.batch = true, d.batch
		d.links[l.peer] = l
		if !test.sentNow {
			d.batch++
		}
		d.close(l.peer)
		if givenUp := l.ctx.Err() != nil; givenUp != test.givenUp {
			t.Errorf("%s: dial given up is %v", test.name, givenUp)
		}
		if test.givenUp {
			if len(d.links) != 0 {
				t.Errorf("%s: the link is still there", test.name)
			}
			continue
		}
		d.opened(l, nil)
		select {
		case <-l.finished:
			l.late.Stop()
		default:
			t.Errorf("%s: not closed when open", test.name)
		}
		if len(d.links) != 0 {
			t.Errorf("%s: the link is still there", test.name)
		}
	}
}

// A stream of the peer's that comes while our own dial ends is handed out, to be
// reset.
func TestLateStreamIsNotForgotten(t *testing.T) {
	d := testDriver()
	l := newLink(d, "peer", wire.Contact{})
	l.dialling = true
	late := &recorded{}
	l.adopted <- greeting{stream: late}
	if got := d.opened(l, errors.New("no answer")); got != late {
		t.Errorf("got %v", got)
	}
	if l.dialling || d.opened(l, nil) != nil {
		t.Error("handed out twice")
	}
}

func TestTopicsOfOnePeerAreBounded(t *testing.T) {
	f := newTopicFilter("net/")
	accepted := make(map[string]bool)
	announce := func(topics ...string) error {
		var subs []*pspb.RPC_SubOpts
		for _, name := range topics {
			yes := true
			subs = append(subs, &pspb.RPC_SubOpts{Subscribe: &yes, Topicid: &name})
		}
		subs, err := f.FilterIncomingSubscriptions(peer.ID("flooder"), subs)
		for _, s := range subs {
			accepted[s.GetTopicid()] = true
		}
		return err
	}
	for i := range 10 * maxTopics {
		err := announce("net/presence", "other/x", fmt.Sprint("net/", i))
		if want := i+1 >= maxTopics; want != errors.Is(err, pubsub.ErrTooManySubscriptions) {
			t.Fatalf("topic %d: %v", i, err)
		}
	}
	if len(accepted) != maxTopics || !accepted["net/presence"] || accepted["other/x"] {
		t.Errorf("%d topics accepted, not %d", len(accepted), maxTopics)
	}
	f.forget("flooder")
	if err := announce("net/again"); err != nil {
		t.Errorf("after it came back: %v", err)
	}
}

// Strangers leave room for the node's own links.
func TestStrangersAreBounded(t *testing.T) {
	d := testDriver()
	for i := range maxStrangers {
		id := peer.ID(fmt.Sprint("stranger ", i))
		l := newLink(d, id, wire.Contact{})
		l.theirs = true
		d.links[id] = l
	}
	refusal := d.admit(greeting{stream: &recorded{}})
	if refusal == nil || refusal.Code != wire.RefusedBusy {
		t.Errorf("one more stranger: %+v", refusal)
	}
	if len(d.links) >= maxLinks {
		t.Error("no room for own links")
	}
}

// A message behind one that could not be queued goes with the link.
func TestNoSecondLinkBeforeTheLossIsTold(t *testing.T) {
	d := testDriver()
	d.pending = []overlay.Event{{Kind: overlay.Lost, Peer: "peer"}}
	d.send("peer", overlay.Effect{Kind: overlay.Send, Peer: "peer", Msg: wire.Message{Kind: wire.KindPing}})
	if len(d.links) != 0 || len(d.pending) != 1 {
		t.Errorf("%d links, %d events", len(d.links), len(d.pending))
	}
}
