package p2p

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"testing"
	"testing/synctest"
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
	from      peer.ID
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
	from peer.ID
	via  multiaddr.Multiaddr
}

func (c noConn) RemoteMultiaddr() multiaddr.Multiaddr { return c.via }
func (c noConn) RemotePeer() peer.ID                  { return c.from }

func (s *recorded) Read(p []byte) (int, error) { return s.input.Read(p) }
func (s *recorded) Conn() network.Conn         { return noConn{from: s.from, via: s.via} }
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
	d := testDriver()
	l := newLink(d, "stranger", wire.Contact{})
	stream := &recorded{input: pongs(t, strangerBurst)}
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

// pongs is what a peer says that says so many of them.
func pongs(t *testing.T, count int) *bytes.Buffer {
	t.Helper()
	var all bytes.Buffer
	for range count {
		if err := wire.Write(&all, wire.Message{Kind: wire.KindPong}); err != nil {
			t.Fatal(err)
		}
	}
	return &all
}

// Strangers, who are many, get a small part of the time that a neighbour gets.
func TestStrangerIsReadSlowly(t *testing.T) {
	const more = 2 * strangerRate // than its burst
	for _, test := range []struct {
		neighbour bool
		want      time.Duration
	}{
		{true, 0},
		{false, more * time.Second / strangerRate},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := newLink(testDriver(), "peer", wire.Contact{})
			l.neighbour.Store(test.neighbour)
			began := time.Now()
			if err := l.read(&recorded{input: pongs(t, strangerBurst+more)}); !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			if took := time.Since(began).Round(time.Second); took != test.want {
				t.Errorf("a neighbour: %v: read within %v, want %v", test.neighbour, took, test.want)
			}
		})
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

// Strangers are as many as answer a search and join meanwhile, and no more.
func TestStrangersAreBounded(t *testing.T) {
	d := testDriver()
	if maxStrangers < overlay.MaxQueryResults {
		t.Errorf("of %d holders that answer a search %d are let in", overlay.MaxQueryResults, maxStrangers)
	}
	taken(d, "stranger", maxStrangers, func(l *link) { l.theirs = true })
	refusal := d.admit(greeting{stream: &recorded{from: "newcomer"}})
	if refusal == nil || refusal.Code != wire.RefusedBusy {
		t.Errorf("one more stranger: %+v", refusal)
	}
}

// taken adds so many links of a kind.
func taken(d *driver, kind string, count int, what func(*link)) {
	for i := range count {
		l := newLink(d, peer.ID(fmt.Sprint(kind, " ", i)), wire.Contact{})
		what(l)
		d.links[l.peer] = l
	}
}

// However many links there are of the other kinds, a node gets one that it asks for, and
// a stranger is let in.
func TestEachKindOfLinkHasRoom(t *testing.T) {
	for _, kinds := range []struct{ requests, strangers int }{
		{overlay.MaxRequests - 1, maxStrangers},
		{overlay.MaxRequests, maxStrangers - 1},
	} {
		node, err := New(WithListenAddrs("/ip4/127.0.0.1/tcp/0"))
		if err != nil {
			t.Fatal(err)
		}
		other, err := New(WithListenAddrs("/ip4/127.0.0.1/tcp/0"))
		if err != nil {
			t.Fatal(err)
		}
		d := node.driver
		d.mu.Lock()
		taken(d, "neighbour", overlay.MaxLinks, func(l *link) { l.neighbour.Store(true) })
		taken(d, "request", kinds.requests, func(*link) {})
		taken(d, "answer", overlay.MaxDirects, func(*link) {})
		taken(d, "reply", passingReplies, func(*link) {})
		taken(d, "stranger", kinds.strangers, func(l *link) { l.theirs = true })
		others := maps.Clone(d.links)
		d.mu.Unlock()

		asker, asked := node, other
		if kinds.strangers < maxStrangers {
			asker, asked = other, node
		}
		if reached, err := asker.Join(t.Context(), asked.AddrInfo()); reached != 1 || err != nil {
			t.Errorf("%d requests and %d strangers leave no room: %v", kinds.requests, kinds.strangers, err)
		}

		d.mu.Lock()
		for id := range others {
			delete(d.links, id)
		}
		d.mu.Unlock()
		if err := errors.Join(other.Close(), node.Close()); err != nil {
			t.Error(err)
		}
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

// A stranger that keeps the reader's buffer full is read no longer than its time either.
func TestStrangerCannotHoldALinkByItsBuffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		theirs, ours := net.Pipe()
		l := newLink(testDriver(), "stranger", wire.Contact{})
		began := time.Now()
		go func() {
			defer theirs.Close()
			var frame bytes.Buffer // of a size that never ends with the buffer
			if err := wire.Write(&frame, wire.Message{Kind: wire.KindWithdraw, Peers: []wire.PeerID{"abc"}}); err != nil {
				t.Error(err)
			}
			_, _ = theirs.Write(bytes.Repeat(frame.Bytes(), 10*int(transientLife/time.Second)*strangerRate)) // until it is read no more
		}()
		err := l.read(&piped{end: ours})
		ours.Close()
		if took := time.Since(began); took > transientLife+messageTimeout {
			t.Errorf("read for %v: %v", took, err)
		}
	})
}

// piped is a stream over one end of a pipe.
type piped struct {
	network.Stream
	end net.Conn
}

func (p *piped) Read(b []byte) (int, error)        { return p.end.Read(b) }
func (p *piped) Conn() network.Conn                { return noConn{} }
func (p *piped) SetReadDeadline(t time.Time) error { return p.end.SetReadDeadline(t) }
