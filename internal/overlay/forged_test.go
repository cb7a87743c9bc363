package overlay

import (
	"fmt"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// itemsOf are so many items of one key, with names from a number on.
func itemsOf(key string, n, from int) []wire.Item {
	all := make([]wire.Item, n)
	for i := range all {
		all[i] = wire.Item{Key: key, Name: fmt.Sprint("name ", from+i)}
	}
	return all
}

// asks starts an own query, and returns the GUID that others see of its first message and
// whom that goes to.
func (r *relay) asks(t *testing.T, guid wire.GUID, q *wire.Query, s Strategy) (wire.GUID, int) {
	t.Helper()
	for _, e := range r.core.Handle(r.now, Event{Kind: Ask, GUID: guid, Query: q, Strategy: s}) {
		if e.Kind == Send && e.Msg.Kind == wire.KindQuery {
			return e.Msg.GUID, r.place(e.Peer)
		}
	}
	t.Fatal("nothing is asked")
	return wire.GUID{}, 0
}

func (r *relay) place(id wire.PeerID) int {
	for i := range r.peers {
		if r.peers[i].Peer == id {
			return i
		}
	}
	return -1
}

// delivers has a peer, a neighbour or none, bring hits, and returns how many results are
// delivered.
func (r *relay) delivers(by, holder wire.PeerID, hops uint8, guid wire.GUID, items []wire.Item) (n int) {
	for len(items) > 0 {
		some := min(len(items), wire.MaxItems)
		for _, e := range r.core.Handle(r.now, Event{Kind: Received, Peer: by, Peers: []wire.Contact{{Peer: by}}, Msg: wire.Message{
			Kind: wire.KindHit, GUID: guid, Contact: wire.Contact{Peer: holder}, Hops: hops, Items: items[:some],
		}}) {
			if e.Kind == Deliver {
				n += len(e.Msg.Items)
			}
		}
		items = items[some:]
	}
	return n
}

func (r *relay) rejects(guid wire.GUID, holder wire.PeerID, items []wire.Item) (effects []Effect) {
	for i := range items {
		effects = append(effects, r.core.Handle(r.now, Event{Kind: Reject, GUID: guid, Peer: holder, Items: items[i : i+1]})...)
	}
	return effects
}

// TestOneLiarTakesNobodysRoom: what one peer answers, true or false, leaves the others'
// answers the room that they have.
func TestOneLiarTakesNobodysRoom(t *testing.T) {
	own := wire.GUID{1}
	t.Run("directly", func(t *testing.T) {
		r := newRelay(t, 24)
		guid, _ := r.asks(t, own, &wire.Query{Key: "k", Max: 1}, Guided)
		lies := itemsOf("k", MaxLinkResults+1, 0)
		if n := r.delivers("liar", "liar", 5, guid, lies); n != MaxLinkResults {
			t.Errorf("%d results are taken of one that sends %d", n, len(lies))
		}
		r.rejects(own, "liar", lies)
		if n := r.delivers("honest", "honest", 5, guid, itemsOf("k", 1, 0)); n != 1 {
			t.Errorf("%d results are delivered of another", n)
		}
	})
	t.Run("over links", func(t *testing.T) {
		r := newRelay(t, 24)
		guid, _ := r.asks(t, own, &wire.Query{Key: "k", Max: 1}, Flood)
		for i := range 4 {
			liar := r.peers[i].Peer
			lies := itemsOf("k", MaxLinkResults, 0)
			r.delivers(liar, liar, 1, guid, lies)
			r.rejects(own, liar, lies)
		}
		if n := r.delivers(r.peers[9].Peer, r.peers[9].Peer, 1, guid, itemsOf("k", 1, 0)); n != 1 {
			t.Error("the honest hit after those that were false is dropped")
		}
	})
	t.Run("many that are honest", func(t *testing.T) {
		r := newRelay(t, 24)
		guid, _ := r.asks(t, own, &wire.Query{Words: []string{"pear"}, Max: 200}, Guided)
		n := 0
		for i := range 20 {
			holder := wire.PeerID(fmt.Sprint("holder ", i))
			n += r.delivers(holder, holder, 5, guid, itemsOf(fmt.Sprint("key ", i), 10, 0))
		}
		if n != 200 {
			t.Errorf("%d of 200 results are delivered", n)
		}
	})
	t.Run("many to whom two walks come", func(t *testing.T) {
		r := newRelay(t, 24)
		guid, _ := r.asks(t, wire.GUID{1}, &wire.Query{Words: []string{"pear"}, Max: 200}, Guided)
		for i := range 5 {
			holder := wire.PeerID(fmt.Sprint("holder ", i))
			for range 2 {
				r.delivers(holder, holder, 5, guid, itemsOf(fmt.Sprint("key ", i), 40, 0))
			}
		}
		if n := r.core.searches[wire.GUID{1}].found; n != 200 {
			t.Errorf("%d of 200 results are found", n)
		}
	})
}

// TestWhatComesTwiceIsDeliveredOnce: however often all neighbours bring it, no more hits
// are delivered than there is room for results.
func TestWhatComesTwiceIsDeliveredOnce(t *testing.T) {
	r := newRelay(t, 24)
	guid, _ := r.asks(t, wire.GUID{1}, &wire.Query{Words: []string{"pear"}, Max: 200}, Guided)
	n := 0
	for i := range r.peers {
		for range MaxLinkResults {
			n += r.delivers(r.peers[i].Peer, "holder", 1, guid, itemsOf("key", 1, 0))
		}
	}
	if n != 1 {
		t.Errorf("one result is delivered %d times", n)
	}
}

// TestAnotherKeyIsExcess: who brings it again and again, like anything in excess, loses
// its link.
func TestAnotherKeyIsExcess(t *testing.T) {
	r := newRelay(t, 24)
	guid, _ := r.asks(t, wire.GUID{1}, &wire.Query{Key: "k", Max: 1}, Guided)
	by := r.peers[5].Peer
	for range MaxLinkResults + ExcessBurst + 1 {
		r.delivers(by, by, 1, guid, itemsOf("other", 1, 0))
	}
	if r.core.links[by] != nil {
		t.Error("it is still a neighbour")
	}
}

// TestAnotherKeyIsNoAnswer: it is not counted either, and the search goes on.
func TestAnotherKeyIsNoAnswer(t *testing.T) {
	r := newRelay(t, 24)
	guid, from := r.asks(t, wire.GUID{1}, &wire.Query{Key: "k", Max: 1}, Guided)
	by := r.peers[from].Peer
	if n := r.delivers(by, by, 1, guid, append(itemsOf("other", 1, 0), itemsOf("k", 1, 0)...)); n != 1 {
		t.Errorf("%d results of two are delivered", n)
	}
	guid, from = r.asks(t, wire.GUID{2}, &wire.Query{Key: "k", Max: 1}, Guided)
	r.delivers(r.peers[from].Peer, r.peers[from].Peer, 1, guid, itemsOf("other", 1, 0))
	queries := 0
	for range 100 {
		r.now = r.now.Add(50 * time.Millisecond)
		for _, e := range r.core.Handle(r.now, Event{Kind: Tick}) {
			if e.Kind == Send && e.Msg.Kind == wire.KindQuery {
				queries++
			}
		}
	}
	if queries == 0 {
		t.Error("no query goes out any more")
	}
}

// TestForgedHitsCostTheirBringer: whoever is named as the holder is trusted as before, and
// one that brings a lie is not trusted more.
func TestForgedHitsCostTheirBringer(t *testing.T) {
	own := wire.GUID{1}
	for _, probe := range []bool{false, true} {
		r := newRelay(t, 24)
		q := &wire.Query{Words: []string{"pear"}, Max: 10}
		if probe {
			r.tell(1, r.peers[1].Peer, filterOf([]string{"pear"}))
		}
		guid, forger := r.asks(t, own, q, Guided)
		for i, p := range r.peers {
			if i != forger {
				lie := itemsOf("k", 1, i)
				r.delivers(r.peers[forger].Peer, p.Peer, 2, guid, lie)
				r.rejects(own, p.Peer, lie)
			}
		}
		for i, p := range r.peers {
			trust := r.core.links[p.Peer].trust
			if i == forger && trust != -2 || i != forger && trust != 0 {
				t.Errorf("a probe, %v: neighbour %d, of whom %d forges, has trust %d", probe, i, forger, trust)
			}
		}
	}
	r := newRelay(t, 24)
	guid, _ := r.asks(t, own, &wire.Query{Key: "k", Max: 10}, Guided)
	liar := r.peers[5].Peer
	r.delivers(liar, liar, 1, guid, itemsOf("k", 1, 0))
	r.rejects(own, liar, itemsOf("k", 1, 0))
	if trust := r.core.links[liar].trust; trust != -MostTrust {
		t.Errorf("a neighbour that lies itself has trust %d", trust)
	}
}

// TestRejectedOnce: a result is taken back once, and only if it was delivered.
func TestRejectedOnce(t *testing.T) {
	r := newRelay(t, 24)
	guid, from := r.asks(t, wire.GUID{1}, &wire.Query{Key: "k", Max: 3}, Guided)
	by := r.peers[from].Peer
	r.delivers(by, by, 1, guid, itemsOf("k", 2, 0))
	for range 2 {
		r.rejects(wire.GUID{1}, by, itemsOf("k", 1, 0))
		r.rejects(wire.GUID{1}, by, itemsOf("k", 1, 7))
	}
	if n := r.core.searches[wire.GUID{1}].found; n != 1 {
		t.Errorf("%d results of two are left, one was false", n)
	}
}

// TestWhoAsksItselfIsSentAll: what a neighbour asks over its own link is not held to what
// others may have this node send to it.
func TestWhoAsksItselfIsSentAll(t *testing.T) {
	r := newRelay(t, 24)
	for range 100 {
		r.pass(time.Second / 5)
		m := r.next(&wire.Walk{Kind: wire.WalkGuided, Asker: r.peers[3]}, 100)
		r.receive(3, m)
		n := 0
		for _, e := range r.core.Handle(r.now, Event{Kind: Matched, GUID: m.GUID, Items: itemsOf("k", MaxAnswerResults, 0)}) {
			if e.Kind == Send && e.Msg.Kind == wire.KindHit && e.Peer == r.peers[3].Peer {
				n += len(e.Msg.Items)
			}
		}
		if n != MaxAnswerResults {
			t.Fatalf("%d of %d results are sent to the neighbour that asks", n, MaxAnswerResults)
		}
	}
}

// TestOneNamesNobodyMute: a peer that names a neighbour as the asker of all its queries
// takes not all that this node may send to that neighbour.
func TestOneNamesNobodyMute(t *testing.T) {
	r := newRelay(t, 24)
	for i := range 200 {
		r.pass(time.Second / 10)
		r.answered(0, r.peers[23], MaxAnswerResults, r.peers[23].Peer)
		if i%10 == 0 && len(r.answered(5, r.peers[23], 1, r.peers[23].Peer)) == 0 {
			t.Fatalf("the neighbour's own walk is not answered after %d in its name", i+1)
		}
	}
}

// TestLaterAnswersGoOut: a link is closed when the last answer sent over it has had its
// time.
func TestLaterAnswersGoOut(t *testing.T) {
	r := newRelay(t, 24)
	asker := wire.Contact{Peer: "asker"}
	r.answered(0, asker, 1, asker.Peer)
	r.now = r.now.Add(DirectWithin - 10*time.Millisecond)
	if len(r.answered(1, asker, 1, asker.Peer)) == 0 {
		t.Fatal("the second is not answered")
	}
	sent, closed := r.now, false
	for !closed && r.now.Sub(sent) < 2*DirectWithin {
		r.now = r.now.Add(10 * time.Millisecond)
		for _, e := range r.core.Handle(r.now, Event{Kind: Tick}) {
			closed = closed || e.Kind == Close && e.Peer == asker.Peer
		}
	}
	if took := r.now.Sub(sent); !closed || took < DirectWithin {
		t.Errorf("closed, %v, %v after the last answer", closed, took)
	}
	if n := len(r.core.directs); n != 0 {
		t.Errorf("%d are still dialled", n)
	}
}
