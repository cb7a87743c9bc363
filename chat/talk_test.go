package chat

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// book is a Resolver.
type book map[string]peer.AddrInfo

func (b book) Resolve(_ context.Context, name string) (peer.AddrInfo, error) {
	info, ok := b[name]
	if !ok {
		return peer.AddrInfo{}, errors.New("not registered")
	}
	return info, nil
}

func TestTwoTalkOnOneStream(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	alice := newService(t, nodes[0], "", WithName("alice"), WithResolver(book{"bob": nodes[1].AddrInfo()}))
	bob := newService(t, nodes[1], "", WithName("bob"))
	bobs := watch(t, bob)

	toBob := open(t, alice, "bob")
	if toBob.Name() != "bob" || toBob.Standing() != Known || toBob.Peer() != nodes[1].ID() {
		t.Errorf("alice talks with %q (%v) at %s", toBob.Name(), toBob.Standing(), toBob.Peer())
	}
	out := send(t, toBob, "hello\nbob ☺")
	delivered(t, out)
	if out.State() != Delivered || out.Seq() != 1 {
		t.Errorf("message %d is %v", out.Seq(), out.State())
	}
	toAlice := bobs.next(Incoming).Conversation
	if toAlice.Name() != "alice" || toAlice.Standing() != Unproved {
		t.Errorf("bob talks with %q (%v)", toAlice.Name(), toAlice.Standing())
	}
	if ev := bobs.next(Received); ev.Message.Text != "hello\nbob ☺" || ev.Message.From != nodes[0].ID() {
		t.Errorf("bob got %+v", ev.Message)
	}
	if got := read(t, toAlice, 1); got[0] != "hello\nbob ☺" {
		t.Errorf("bob read %q", got)
	}
	delivered(t, send(t, toAlice, "hello alice"))
	if got := read(t, toBob, 1); got[0] != "hello alice" {
		t.Errorf("alice read %q", got)
	}
	if again := open(t, bob, nodes[0].ID().String()); again != toAlice {
		t.Error("bob got another conversation with alice")
	}
	streams := 0
	for _, conn := range nodes[0].Host().Network().ConnsToPeer(nodes[1].ID()) {
		for _, s := range conn.GetStreams() {
			if strings.Contains(string(s.Protocol()), "/service/") {
				streams++
			}
		}
	}
	if streams != 1 {
		t.Errorf("%d streams", streams)
	}

	if err := toBob.Close(); err != nil {
		t.Fatal(err)
	}
	if ev := bobs.next(Disconnected); !errors.Is(ev.Err, ErrLeft) {
		t.Errorf("bob was told %v", ev.Err)
	}
	if _, err := toBob.Send(t.Context(), "too late"); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	// Bob has something to say nonetheless.
	delivered(t, send(t, toAlice, "one more thing"))
}

func TestManyInOrderBothWays(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	alice := newService(t, nodes[0], t.TempDir())
	bob := newService(t, nodes[1], t.TempDir())
	events := bob.Events(soon(t))
	toBob := open(t, alice, nodes[1].ID().String())
	toAlice := incoming(t, events)

	const n = 200
	var both sync.WaitGroup
	for _, c := range []*Conversation{toBob, toAlice} {
		both.Go(func() {
			var last *Outgoing
			for i := range n {
				o, err := c.Send(t.Context(), fmt.Sprint(i))
				if err != nil {
					t.Error(err)
					return
				}
				last = o
			}
			if err := last.Wait(soon(t), Delivered); err != nil {
				t.Error(err)
			}
		})
	}
	for _, c := range []*Conversation{toBob, toAlice} {
		for i, got := range read(t, c, n) {
			if got != fmt.Sprint(i) {
				t.Fatalf("message %d is %q", i, got)
			}
		}
	}
	both.Wait()
	for m, err := range toBob.History() {
		if err != nil || (m.From == nodes[0].ID() && !m.Delivered) {
			t.Fatalf("history: %+v: %v", m, err)
		}
	}
}

func TestSimultaneousOpen(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	for i := range 15 {
		alice := newService(t, nodes[0], "")
		bob := newService(t, nodes[1], "")
		var both sync.WaitGroup
		conversations := make([]*Conversation, 2)
		start := make(chan struct{})
		for j, s := range []*Service{alice, bob} {
			both.Go(func() {
				<-start
				c, err := s.Open(soon(t), nodes[1-j].ID().String())
				if err != nil {
					t.Errorf("round %d, side %d: %v", i, j, err)
				}
				conversations[j] = c
			})
		}
		close(start)
		both.Wait()
		if t.Failed() {
			return
		}
		delivered(t, send(t, conversations[0], "a"))
		delivered(t, send(t, conversations[1], "b"))
		if got := slices.Concat(read(t, conversations[0], 1), read(t, conversations[1], 1)); !slices.Equal(got, []string{"b", "a"}) {
			t.Fatalf("round %d: %q", i, got)
		}
		for _, s := range []*Service{alice, bob} {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestCutAndHeal(t *testing.T) {
	net := p2ptest.New(t, 3)
	nodes := net.Nodes
	alice := newService(t, nodes[0], t.TempDir(), WithName("alice"), withTiming(hasty()))
	bob := newService(t, nodes[1], t.TempDir(), WithName("bob"), withTiming(hasty()))
	alices, bobs := watch(t, alice), watch(t, bob)
	toBob := open(t, alice, nodes[1].ID().String())
	toAlice := bobs.next(Incoming).Conversation

	delivered(t, send(t, toBob, "0"))
	net.Cut(1)
	var outs []*Outgoing
	for i := 1; i <= 50; i++ {
		outs = append(outs, send(t, toBob, fmt.Sprint(i)))
	}
	if err := outs[0].Wait(soon(t), Delivered); !errors.Is(err, ErrDisconnected) {
		t.Errorf("while cut off: %v", err)
	}
	if ev := alices.next(Disconnected); !errors.Is(ev.Err, ErrDisconnected) || errors.Is(ev.Err, ErrLeft) {
		t.Errorf("alice was told %v", ev.Err)
	}
	answer := send(t, toAlice, "from the dark")
	net.Heal(1)
	alices.next(Connected)
	for i, got := range read(t, toAlice, 51) {
		if got != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, got)
		}
	}
	for _, o := range append(outs, answer) {
		for {
			err := o.Wait(soon(t), Delivered)
			if err == nil {
				break
			}
			if !errors.Is(err, ErrDisconnected) {
				t.Fatal(err)
			}
			alices.next(Connected)
		}
	}
	if got := read(t, toBob, 1); got[0] != "from the dark" {
		t.Errorf("alice read %q", got)
	}
	kept := 0
	for m, err := range toAlice.History() {
		if err != nil {
			t.Fatal(err)
		}
		if m.From == nodes[0].ID() {
			if m.Text != fmt.Sprint(kept) {
				t.Fatalf("entry %d of bob's history is %q", kept, m.Text)
			}
			kept++
		}
	}
	if kept != 51 {
		t.Errorf("bob's history has %d messages of alice", kept)
	}
}

func TestBadTexts(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	alice := newService(t, nodes[0], "")
	newService(t, nodes[1], "")
	c := open(t, alice, nodes[1].ID().String())
	for text, want := range map[string]error{
		"":                               ErrBadText,
		"\xff":                           ErrBadText,
		strings.Repeat("x", MaxText+1):   ErrTooLong,
		strings.Repeat("☺", MaxText/3):   nil,
		strings.Repeat("x", MaxText):     nil,
		"\x1b[31m what the other shows?": nil, // what is shown is the reader's to sanitise
	} {
		if _, err := c.Send(t.Context(), text); !errors.Is(err, want) {
			t.Errorf("%.10q: %v, want %v", text, err, want)
		}
	}
}
