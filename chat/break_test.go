package chat

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// Connections break again and again in the middle of what both sides say; every
// message is in the other's log once, in order.
func TestStreamsBreakAgainAndAgain(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	services := []*Service{newService(t, nodes[0], t.TempDir()), newService(t, nodes[1], t.TempDir())}
	events := services[1].Events(soon(t))
	toBob := open(t, services[0], nodes[1].ID().String())
	both := []*Conversation{toBob, incoming(t, events)}

	const n, breaks = 400, 8
	var talking sync.WaitGroup
	for _, c := range both {
		talking.Go(func() {
			var outs []*Outgoing
			for i := range n {
				o, err := c.Send(soon(t), fmt.Sprint(i))
				if err != nil {
					t.Error(err)
					return
				}
				outs = append(outs, o)
			}
			for _, o := range outs {
				err := o.Wait(soon(t), Delivered)
				for errors.Is(err, ErrDisconnected) || errors.Is(err, ErrOffline) {
					if _, err = c.service.Open(soon(t), c.Peer().String()); err == nil {
						err = o.Wait(soon(t), Delivered)
					}
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range breaks {
		read(t, both[1], n/(breaks+1))
		if err := nodes[i%2].Host().Network().ClosePeer(nodes[(i+1)%2].ID()); err != nil {
			t.Error(err)
		}
	}
	talking.Wait()
	for side, c := range both {
		next := 0
		for m, err := range c.History() {
			if err != nil {
				t.Fatal(err)
			}
			if m.From != c.Peer() {
				continue
			}
			if m.Text != fmt.Sprint(next) {
				t.Fatalf("side %d: message %d is %q", side, next, m.Text)
			}
			next++
		}
		if next != n {
			t.Errorf("side %d has %d messages of %d", side, next, n)
		}
	}
}
