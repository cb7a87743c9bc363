package chat

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

func TestTooManyConversations(t *testing.T) {
	s := newService(t, p2ptest.New(t, 1).Nodes[0], "")
	for i := range maxConversations {
		c, err := s.hold(peer.ID(fmt.Sprint(i)))
		if err != nil {
			t.Fatal(err)
		}
		defer s.release(c)
	}
	if _, err := s.hold("one more"); !errors.Is(err, ErrFull) {
		t.Errorf("%v", err)
	}
	if c, err := s.hold("0"); err != nil {
		t.Errorf("one that is there: %v", err)
	} else {
		s.release(c)
	}
}

func TestSignsOfLifeAreReadAtARate(t *testing.T) {
	for what, sign := range map[string]frame{"pings": ping{}, "acknowledgements": ack{0}} {
		t.Run(what, func(t *testing.T) {
			nodes := p2ptest.New(t, 2).Nodes
			alices := watch(t, newService(t, nodes[0], ""))
			conn, _, _ := greetRaw(t, nodes[1], nodes[0].ID(), 0)
			write(t, conn, ready{})
			begin := time.Now()
			for range signBurst + signRate { // a second's worth too many
				write(t, conn, sign)
			}
			write(t, conn, text{1, 0, "at last"})
			alices.next(Received)
			if took := time.Since(begin); took < 900*time.Millisecond {
				t.Errorf("all were read in %v", took)
			}
		})
	}
}

func TestSlowReaderOfMessages(t *testing.T) {
	s := newService(t, p2ptest.New(t, 1).Nodes[0], "")
	c, err := s.hold("somebody")
	if err != nil {
		t.Fatal(err)
	}
	defer s.release(c)
	const over = 10
	var texts []text
	for i := range maxUnread + over {
		texts = append(texts, text{seq: uint64(i + 1), body: fmt.Sprint(i + 1)})
	}
	if _, err := c.keep(texts, 0); err != nil {
		t.Fatal(err)
	}
	lagged := false
	for m, err := range c.Messages(soon(t)) {
		if errors.Is(err, ErrLagged) && !lagged {
			lagged = true
			continue
		}
		if err != nil || !lagged || m.Seq != over+1 {
			t.Errorf("message %d, lagged %v: %v", m.Seq, lagged, err)
		}
		break
	}
}

func TestQueueForALostPeerIsBounded(t *testing.T) {
	s := newService(t, p2ptest.New(t, 1).Nodes[0], "")
	c, err := s.hold("somebody")
	if err != nil {
		t.Fatal(err)
	}
	defer s.release(c)
	c.trying = true // no attempts
	for range maxUnacknowledged {
		if _, err := c.Send(t.Context(), "x"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Send(t.Context(), "x"); !errors.Is(err, ErrFull) {
		t.Errorf("%v", err)
	}
}
