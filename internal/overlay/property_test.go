package overlay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestWhateverComes feeds a core events that nobody would send in this order, well
// formed or not, and checks after each what must always hold.
func TestWhateverComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := DefaultConfig()
		cfg.Degree = rapid.IntRange(1, 8).Draw(t, "degree")
		cfg.CacheSize = rapid.IntRange(1, 12).Draw(t, "cache")
		cfg.Group = func(c wire.Contact) string { return string(c.Peer[:1]) }
		core, err := New(cfg, "me", rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		if err != nil {
			t.Fatal(err)
		}
		d := &driver{core: core, now: time.Unix(1e9, 0), up: map[wire.PeerID]bool{}}
		for range rapid.IntRange(1, 120).Draw(t, "events") {
			d.now = d.now.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Second)).Draw(t, "pause")))
			ev := drawEvent(t)
			if next := core.Next(); !next.IsZero() && next.Before(d.now) && rapid.Bool().Draw(t, "tick") {
				ev = Event{Kind: Tick}
			}
			d.handle(t, ev)
		}
	})
}

type driver struct {
	core *Core
	now  time.Time
	up   map[wire.PeerID]bool
}

func (d *driver) handle(t *rapid.T, ev Event) {
	for _, e := range d.core.Handle(d.now, ev) {
		if e.Kind != Deliver && (e.Peer == "me" || e.Peer == "") {
			t.Fatalf("an effect on %q: %+v", e.Peer, e)
		}
		switch e.Kind {
		case Up:
			if d.up[e.Peer] {
				t.Fatalf("%q is up twice", e.Peer)
			}
			d.up[e.Peer] = true
		case Down:
			if !d.up[e.Peer] {
				t.Fatalf("%q is down and was not up", e.Peer)
			}
			delete(d.up, e.Peer)
		case Send:
			checkSent(t, &e)
		}
	}
	checkCore(t, d.core, d.up)
}

func checkSent(t *rapid.T, e *Effect) {
	m := &e.Msg
	switch {
	case m.Kind < wire.KindJoin || m.Kind > wire.KindHit:
		t.Fatalf("sends kind %d", m.Kind)
	case len(m.Contacts) > wire.MaxContacts:
		t.Fatalf("sends %d contacts", len(m.Contacts))
	case m.Kind == wire.KindQuery && (m.TTL == 0 || m.TTL+m.Hops > MaxTTL || m.Query == nil):
		t.Fatalf("sends a query with TTL %d and %d hops", m.TTL, m.Hops)
	case m.Kind == wire.KindHit && (len(m.Items) == 0 || len(m.Items) > wire.MaxItems):
		t.Fatalf("sends a hit with %d items", len(m.Items))
	}
	for _, c := range m.Contacts {
		if m.Kind == wire.KindShuffleReply && c.Peer == e.Peer {
			t.Fatalf("tells %q of itself", e.Peer)
		}
		if !valid(c) {
			t.Fatalf("passes on the contact %q", c.Peer)
		}
	}
}

func checkCore(t *rapid.T, c *Core, up map[wire.PeerID]bool) {
	if len(c.view) > c.cfg.Accepted() || len(c.cache.entries) > c.cfg.CacheSize || len(c.requests) > MaxRequests {
		t.Fatalf("%d links, %d contacts, %d requests", len(c.view), len(c.cache.entries), len(c.requests))
	}
	if len(c.view) != len(c.links) || len(c.view) != len(up) {
		t.Fatalf("%d in the view, %d links, %d told", len(c.view), len(c.links), len(up))
	}
	groups, slots := map[string]int{}, map[uint8]bool{}
	for _, l := range c.view {
		if l.peer == "me" || c.links[l.peer] != l || c.slots[l.slot] != l || slots[l.slot] || !up[l.peer] {
			t.Fatalf("the link to %q is not in order", l.peer)
		}
		slots[l.slot] = true
		if groups[l.group]++; groups[l.group] > MaxGroupLinks {
			t.Fatalf("%d links to group %q", groups[l.group], l.group)
		}
		if c.requestTo(l.peer) != nil {
			t.Fatalf("%q is a neighbour and asked for a link", l.peer)
		}
	}
	for i := range c.cache.entries {
		peer := c.cache.entries[i].contact.Peer
		if peer == "me" || c.links[peer] != nil || c.cache.find(peer) != &c.cache.entries[i] {
			t.Fatalf("%q is in the host cache and should not be, or twice", peer)
		}
	}
}

func drawPeer(t *rapid.T) wire.PeerID {
	group := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "group")
	return wire.PeerID(group + fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "peer")))
}

// drawAny is a peer of a message's contents, where anything may stand.
func drawAny(t *rapid.T) wire.PeerID {
	if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
		return rapid.SampledFrom([]wire.PeerID{"", "me", wire.PeerID(make([]byte, 100))}).Draw(t, "odd peer")
	}
	return drawPeer(t)
}

func drawContacts(t *rapid.T) []wire.Contact {
	all := make([]wire.Contact, rapid.IntRange(0, 11).Draw(t, "contacts"))
	for i := range all {
		all[i].Peer = drawAny(t)
	}
	return all
}

func drawEvent(t *rapid.T) Event {
	ev := Event{
		Kind:  EventKind(rapid.IntRange(int(Join), int(Matched)).Draw(t, "kind")),
		Peer:  drawPeer(t),
		Query: &wire.Query{Key: "k", Max: 1},
		TTL:   rapid.Uint8().Draw(t, "TTL"),
		Items: make([]wire.Item, rapid.IntRange(0, 70).Draw(t, "items")),
	}
	ev.GUID[0] = byte(rapid.IntRange(0, 9).Draw(t, "GUID"))
	switch ev.Kind {
	case Leave:
		ev.Kind = Received // or every run would end soon
	case Join, Learn:
		ev.Peers = drawContacts(t)
	}
	if ev.Kind != Received {
		return ev
	}
	kinds := []wire.Kind{
		wire.KindJoin, wire.KindForwardJoin, wire.KindNeighbour, wire.KindNeighbour, wire.KindNeighbour,
		wire.KindNeighbourReply, wire.KindNeighbourReply, wire.KindNeighbourReply, wire.KindDisconnect,
		wire.KindShuffle, wire.KindShuffleReply, wire.KindPing, wire.KindPong, wire.KindQuery, wire.KindQuery, wire.KindHit,
		wire.Kind(rapid.Uint8().Draw(t, "any kind")),
	}
	ev.Msg = wire.Message{
		Kind: rapid.SampledFrom(kinds).Draw(t, "message"), Contact: wire.Contact{Peer: drawAny(t)},
		Contacts: drawContacts(t), TTL: ev.TTL, Hops: rapid.Uint8().Draw(t, "hops"),
		Flag: rapid.Bool().Draw(t, "flag"), GUID: ev.GUID,
		Items: make([]wire.Item, rapid.IntRange(0, 11).Draw(t, "hit")),
	}
	if ev.Msg.Kind == wire.KindJoin && rapid.Bool().Draw(t, "own contact") {
		ev.Msg.Contact.Peer = ev.Peer
	}
	if rapid.IntRange(0, 19).Draw(t, "query") > 0 {
		ev.Msg.Query = ev.Query
	}
	return ev
}

// TestHostCacheIsWhole: everything known is there to be saved, the oldest links
// first.
func TestHostCacheIsWhole(t *testing.T) {
	r := newRelay(t, 6)
	r.core.Handle(r.now, Event{Kind: Learn, Peers: []wire.Contact{{Peer: "x"}, {Peer: "y"}}})
	r.core.Handle(r.now, Event{Kind: Probed, Peer: "y"})
	var saved []wire.PeerID
	for i, s := range r.core.HostCache() {
		saved = append(saved, s.Contact.Peer)
		if want := i < OldestLinks; s.Oldest != want {
			t.Errorf("contact %d: oldest is %v", i, s.Oldest)
		}
	}
	var want []wire.PeerID
	for _, c := range r.peers {
		want = append(want, c.Peer)
	}
	if want = append(want, "y", "x"); !slices.Equal(saved, want) {
		t.Errorf("saved %q, want %q", saved, want)
	}
}
