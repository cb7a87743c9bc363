package chat

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// greetRaw opens a stream as chat does, by hand.
func greetRaw(t *testing.T, from *p2p.Node, to peer.ID, received uint64) (net.Conn, *bufio.Reader, hello) {
	t.Helper()
	conn, err := from.Dial(soon(t), to, wire.ChatService)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	write(t, conn, hello{"mallory", received})
	f, err := readFrame(r)
	if err != nil {
		t.Fatal(err)
	}
	return conn, r, f.(hello)
}

func write(t *testing.T, w io.Writer, frames ...frame) {
	t.Helper()
	var b bytes.Buffer
	for _, f := range frames {
		if err := writeFrame(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// ends reads until the other side ends the stream.
func ends(t *testing.T, what string, r *bufio.Reader) {
	t.Helper()
	for {
		_, err := readFrame(r)
		if errors.Is(err, io.EOF) || errors.Is(err, wire.ErrMalformed) {
			return
		}
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("%s: the stream was not ended", what)
		}
		if err != nil {
			return
		}
	}
}

func encoded(t *testing.T, f frame) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := writeFrame(&b, f); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileFrames(t *testing.T) {
	nodes := p2ptest.New(t, 3).Nodes
	alice := newService(t, nodes[0], "")
	bob := newService(t, nodes[1], "")
	toBob := open(t, alice, nodes[1].ID().String())
	alices := watch(t, alice)

	oversized := []byte{0xff, 0xff, 0xff, 0x7f, 1, 2, 3}
	for what, data := range map[string][]byte{
		"garbage":                  bytes.Repeat([]byte{7, 255, 255, 255, 255, 255, 255, 255}, 100),
		"oversized":                oversized,
		"empty frame":              {0},
		"a number again":           append(encoded(t, text{3, 0, "a"}), encoded(t, text{3, 0, "c"})...),
		"a lower number":           append(encoded(t, text{3, 0, "a"}), encoded(t, text{2, 0, "c"})...),
		"number 0":                 encoded(t, text{0, 0, "a"}),
		"enormous number":          encoded(t, text{1 << 63, 0, "a"}),
		"empty text":               encoded(t, text{1, 0, ""}),
		"ack of what was not sent": encoded(t, ack{5}),
		"second hello":             encoded(t, hello{"x", 0}),
		"refusal in the middle":    encoded(t, refusal{1, "x"}),
	} {
		conn, r, _ := greetRaw(t, nodes[2], nodes[0].ID(), 0)
		write(t, conn, ready{})
		if _, err := conn.Write(data); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		ends(t, what, r)
		if ev := alices.next(Disconnected); !errors.Is(ev.Err, wire.ErrMalformed) && !errors.Is(ev.Err, wire.ErrTooLarge) {
			t.Errorf("%s: alice was told %v", what, ev.Err)
		}
	}
	for what, data := range map[string][]byte{
		"garbage for a hello":   {3, 1, 2, 3},
		"oversized for a hello": oversized,
		"text for a hello":      encoded(t, text{1, 0, "a"}),
		"a name too long":       encoded(t, hello{string(bytes.Repeat([]byte("x"), MaxName+1)), 0}),
	} {
		conn, err := nodes[2].Dial(soon(t), nodes[0].ID(), wire.ChatService)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		ends(t, what, bufio.NewReader(conn))
		conn.Close()
	}
	if !toBob.Connected() {
		t.Error("bob paid for it")
	}
	delivered(t, send(t, toBob, "still here"))
	if len(bob.Conversations()) != 1 {
		t.Error("bob has another conversation")
	}
}

func TestDuplicatesAreAcknowledgedAgain(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	alice := newService(t, nodes[0], t.TempDir())
	alices := watch(t, alice)
	conn, r, _ := greetRaw(t, nodes[1], nodes[0].ID(), 0)
	write(t, conn, ready{}, text{1, 0, "a"}, text{2, 0, "b"})
	c := alices.next(Incoming).Conversation
	waitAck(t, r, 2)

	// The peer comes back and has not heard the acknowledgement, or forgot it.
	conn, r, h := greetRaw(t, nodes[1], nodes[0].ID(), 0)
	if h.received != 2 {
		t.Errorf("alice has up to %d", h.received)
	}
	write(t, conn, ready{}, text{1, 0, "a"}, text{2, 0, "b"}, text{3, 0, "c"})
	waitAck(t, r, 3)
	if got := read(t, c, 3); got[0] != "a" || got[1] != "b" || got[2] != "c" {
		t.Errorf("shown: %q", got)
	}
	kept := 0
	for range c.History() {
		kept++
	}
	if kept != 3 {
		t.Errorf("%d messages kept", kept)
	}

	conn, r, _ = greetRaw(t, nodes[1], nodes[0].ID(), 0)
	write(t, conn, ready{}, text{1, 0, "a"})
	waitAck(t, r, 3) // duplicates alone are acknowledged as well

	// Numbers that it says to have are skipped by us; more than we sent are a lie.
	if o := send(t, c, "answer"); o.Seq() != 1 {
		t.Errorf("number %d", o.Seq())
	}
	conn, r, _ = greetRaw(t, nodes[1], nodes[0].ID(), 77)
	write(t, conn, ready{})
	ends(t, "a lie", r)
}

func waitAck(t *testing.T, r *bufio.Reader, seq uint64) {
	t.Helper()
	for {
		f, err := readFrame(r)
		if err != nil {
			t.Fatalf("waiting for the acknowledgement of %d: %v", seq, err)
		}
		if a, ok := f.(ack); ok && a.seq >= seq {
			return
		}
	}
}

func TestForgottenNumbersGoOn(t *testing.T) {
	// Alice keeps nothing and begins anew; bob still has what she said.
	nodes := p2ptest.New(t, 2).Nodes
	bob := newService(t, nodes[1], t.TempDir())
	bobs := watch(t, bob)
	for i, want := range []string{"before", "after"} {
		alice := newService(t, nodes[0], "")
		o := send(t, open(t, alice, nodes[1].ID().String()), want)
		delivered(t, o)
		if o.Seq() != uint64(i+1) {
			t.Errorf("%q has number %d", want, o.Seq())
		}
		if ev := bobs.next(Received); ev.Message.Text != want {
			t.Errorf("bob got %q", ev.Message.Text)
		}
		if err := alice.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSilentPeerIsNoticed(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	alice := newService(t, nodes[0], "", withTiming(hasty()))
	alices := watch(t, alice)
	conn, _, _ := greetRaw(t, nodes[1], nodes[0].ID(), 0)
	write(t, conn, ready{}) // and never a word again
	c := alices.next(Incoming).Conversation
	o := send(t, c, "are you there?")
	if err := o.Wait(soon(t), Delivered); !errors.Is(err, ErrDisconnected) {
		t.Errorf("%v", err)
	}
	alices.next(Disconnected)
}

func TestTooManyStreamsOfOnePeer(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	alice := newService(t, nodes[0], "")
	allowed := 0
	for range 100 {
		if alice.mayOpen(nodes[1].ID()) {
			allowed++
		}
	}
	if allowed < handshakeBurst || allowed > 2*handshakeBurst {
		t.Errorf("%d of 100", allowed)
	}
}
