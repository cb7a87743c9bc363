package overlay

import (
	"fmt"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestForgedAskersMakeNoWeapon: whom walks name as their asker is sent what a node
// can spare for all of them, and not what all of its links ask for. That holds for
// a neighbour, too, which would else take this node for hostile.
func TestForgedAskersMakeNoWeapon(t *testing.T) {
	const seconds, attackers = 20, 23
	for _, linked := range []bool{false, true} {
		r := newRelay(t, 24)
		victim, most := wire.Contact{Peer: "victim"}, attackers
		if linked {
			victim, most = r.peers[23], 1
		}
		most *= AnswerBurst + seconds*int(time.Second/AnswerEvery)
		hit := 0
		for range 10 * seconds {
			r.pass(time.Second / 10)
			for from := range attackers {
				hit += len(r.answered(from, victim, 1, victim.Peer))
			}
		}
		if hit > most || hit == 0 {
			t.Errorf("a victim that is a neighbour, %v: %d hits in %d s, at most %d", linked, hit, seconds, most)
		}
	}
}

// pass lets time pass in which all neighbours are heard of.
func (r *relay) pass(d time.Duration) {
	r.now = r.now.Add(d)
	for i := range r.peers {
		r.receive(i, wire.Message{Kind: wire.KindPong})
	}
	r.core.Handle(r.now, Event{Kind: Tick})
}

// answered lets a neighbour ask in another's name, and returns the hits and reports that
// this makes the node send to somebody.
func (r *relay) answered(from int, asker wire.Contact, items int, to wire.PeerID) (sent []wire.Message) {
	m := r.next(&wire.Walk{Kind: wire.WalkGuided, Asker: asker}, 1)
	m.Hops = 9
	collect := func(effects []Effect) {
		for _, e := range effects {
			if e.Kind == Send && e.Peer == to && (e.Msg.Kind == wire.KindHit || e.Msg.Kind == wire.KindReport) {
				sent = append(sent, e.Msg)
			}
		}
	}
	collect(r.receive(from, m))
	collect(r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID, Items: make([]wire.Item, items)}))
	return sent
}

// TestForgedAskersCostNoLink: a node that others make send hits to a neighbour is not
// taken for one that floods it, however long it goes on.
func TestForgedAskersCostNoLink(t *testing.T) {
	r, victim := newRelay(t, 24), newRelay(t, 24) // the victim is 23 there, and has the node as 0
	for range 10 * 300 {
		r.pass(time.Second / 10)
		victim.pass(time.Second / 10)
		for from := range 5 {
			for _, m := range r.answered(from, r.peers[23], 64, r.peers[23].Peer) {
				victim.receive(0, m)
			}
		}
	}
	if n := victim.core.Stats().Expelled; n > 0 {
		t.Errorf("the neighbour has expelled %d", n)
	}
}

// TestForgedAskersTakeNobodysAnswers: who makes a node dial others takes nothing of what
// it answers to those who ask over other links; and of what cannot be answered a walk goes
// on, and nobody is told that there is nothing.
func TestForgedAskersTakeNobodysAnswers(t *testing.T) {
	r := newRelay(t, 24)
	for i := range 600 {
		r.pass(time.Second / 10)
		forged := wire.PeerID(fmt.Sprint("victim", i))
		r.answered(23, wire.Contact{Peer: forged}, 64, forged)
		if i%5 > 0 {
			continue
		}
		honest := wire.PeerID(fmt.Sprint("honest", i))
		if len(r.answered(0, wire.Contact{Peer: honest}, 1, honest)) == 0 {
			t.Fatalf("an honest asker is not answered after %d forged ones", i)
		}
	}
	m := r.next(&wire.Walk{Kind: wire.WalkGuided, Asker: wire.Contact{Peer: "one more"}, Careful: true}, 1)
	for m.Hops = 9; r.core.links[r.peers[23].Peer].dialling.take(r.core.now, answerLimit, 0); {
	}
	m.Nonce = 1
	effects := append([]Effect(nil), r.receive(23, m)...)
	effects = append(effects, r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID, Items: make([]wire.Item, 1)})...)
	var acks, on int
	for _, e := range effects {
		switch {
		case e.Kind != Send:
		case e.Msg.Kind == wire.KindAck:
			acks += int(e.Msg.Found)
		case e.Msg.Kind == wire.KindQuery:
			on++
		}
	}
	if acks != 1 || on != 1 {
		t.Errorf("%d results acknowledged and %d walks gone on, want 1 and 1", acks, on)
	}
}
