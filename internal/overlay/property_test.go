package overlay

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// TestWhateverComes feeds a core events that nobody would send in this order, well
// formed or not, and checks after each what must always hold.
func TestWhateverComes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg := DefaultConfig()
		cfg.Degree = rapid.IntRange(1, 8).Draw(t, "degree")
		cfg.CacheSize = rapid.IntRange(1, 12).Draw(t, "cache")
		cfg.Leaf = rapid.IntRange(0, 4).Draw(t, "leaf") == 0
		cfg.Group = func(c wire.Contact) string { return string(c.Peer[:1]) }
		if rapid.Bool().Draw(t, "signed") {
			cfg.Prove = func(s *wire.Summary, _ *summary.Filter) bool { return len(s.Signature) == 0 }
		}
		core, err := New(cfg, "me", rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0)))
		if err != nil {
			t.Fatal(err)
		}
		d := &driver{core: core, now: time.Unix(1e9, 0), up: map[wire.PeerID]bool{}}
		for i := range rapid.IntRange(0, cfg.Accepted()).Draw(t, "links at first") {
			d.settle(t, wire.PeerID(fmt.Sprintf("%c%d", 'a'+i%5, i/5)))
		}
		for range rapid.IntRange(1, 120).Draw(t, "events") {
			d.now = d.now.Add(drawPause(t))
			if next := core.Next(); !next.IsZero() && next.Before(d.now) && rapid.Bool().Draw(t, "tick") {
				d.handle(t, Event{Kind: Tick})
				continue
			}
			ev := drawEvent(t)
			if len(d.match) > 0 && rapid.Bool().Draw(t, "look up") {
				ev.Kind, ev.GUID, d.match = Matched, d.match[0], d.match[1:]
			}
			if ev.Msg.Kind == wire.KindAck && len(core.custodies) > 0 && rapid.Bool().Draw(t, "true ack") {
				at := &core.custodies[rapid.IntRange(0, len(core.custodies)-1).Draw(t, "custody")]
				ev.Msg.Nonce, ev.Peer = at.nonce, core.slots[at.slot].peer
			}
			if len(core.underway) > 0 && rapid.Bool().Draw(t, "true answer") {
				s := rapid.SampledFrom(core.underway).Draw(t, "search")
				ev.Msg.GUID = s.guidOf(rapid.SampledFrom([]uint8{1, 1, 2, 3}).Draw(t, "answered attempt"))
				if rapid.IntRange(0, 4).Draw(t, "aside") == 0 {
					ev.Msg.GUID = Aside(ev.Msg.GUID)
				}
			}
			if len(core.view) > 0 && rapid.Bool().Draw(t, "of a neighbour") {
				ev.Peer = core.view[rapid.IntRange(0, len(core.view)-1).Draw(t, "neighbour")].peer
			}
			d.handle(t, ev)
		}
	})
}

// settle gives the core a neighbour that leads to some origins.
func (d *driver) settle(t *rapid.T, peer wire.PeerID) {
	origins := []wire.PeerID{peer}
	leaf := rapid.IntRange(0, 4).Draw(t, "a leaf") == 0
	if !leaf {
		origins = append(origins, drawPeers(t)...)
	}
	d.handle(t, Event{Kind: Received, Peer: peer, Msg: wire.Message{Kind: wire.KindNeighbour, Leaf: leaf}})
	for _, origin := range origins {
		s := &wire.Summary{Origin: origin, Seq: 1, Filter: drawFilter(t)}
		d.handle(t, Event{Kind: Received, Peer: peer, Msg: wire.Message{Kind: wire.KindSummary, Summary: s}})
	}
}

type driver struct {
	core  *Core
	now   time.Time
	up    map[wire.PeerID]bool
	match []wire.GUID // looked up, and to be answered
}

func (d *driver) handle(t *rapid.T, ev Event) {
	for _, e := range d.core.Handle(d.now, ev) {
		if e.Kind != Deliver && e.Kind != Done && (e.Peer == "me" || e.Peer == "") {
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
		case Match:
			d.match = append(d.match, e.GUID)
		case Deliver:
			if len(e.Msg.Items) == 0 || d.core.searches[e.GUID] == nil {
				t.Fatalf("delivers %d items for %v", len(e.Msg.Items), e.GUID)
			}
		case Done:
			if e.Msg.Tally == nil || d.core.searches[e.GUID] != nil || len(e.Msg.Tally.Trace) > wire.MaxSteps {
				t.Fatalf("%v is done: %+v", e.GUID, e.Msg.Tally)
			}
		case Send:
			checkSent(t, d.core, &e)
			if ev.Kind != Role && d.core.cfg.Leaf {
				checkLeaf(t, &ev, &e)
			}
		}
	}
	checkCore(t, d.core, d.up)
	checkOrigins(t, d.core)
	checkSearches(t, d.core)
}

func checkSent(t *rapid.T, c *Core, e *Effect) {
	m := &e.Msg
	l := c.links[e.Peer]
	leaf := l != nil && l.leaf
	switch {
	case m.Kind < wire.KindJoin || m.Kind > wire.KindWithdraw:
		t.Fatalf("sends kind %d", m.Kind)
	case len(m.Contacts) > wire.MaxContacts:
		t.Fatalf("sends %d contacts", len(m.Contacts))
	case m.Kind == wire.KindQuery && (m.TTL == 0 || m.Query == nil):
		t.Fatalf("sends the query %+v with TTL %d", m.Query, m.TTL)
	case m.Kind == wire.KindQuery && m.Walk == nil && (int(m.TTL)+int(m.Hops) > MaxTTL || leaf && m.TTL != 1):
		t.Fatalf("floods with TTL %d and %d hops, to a leaf: %v", m.TTL, m.Hops, leaf)
	case m.Kind == wire.KindQuery && m.Walk != nil:
		checkWalk(t, m, e.Peer, leaf)
	case m.Kind == wire.KindHit && (len(m.Items) == 0 || len(m.Items) > wire.MaxItems):
		t.Fatalf("sends a hit with %d items", len(m.Items))
	case m.Kind == wire.KindReport && m.Tally == nil, m.Tally != nil && len(m.Tally.Trace) > wire.MaxSteps:
		t.Fatalf("sends the tally %+v", m.Tally)
	case m.Kind == wire.KindSummary && (m.Summary == nil || m.Summary.Origin == e.Peer || leaf):
		t.Fatalf("tells %q the summary %+v", e.Peer, m.Summary)
	case (m.Kind == wire.KindSummaryWant || m.Kind == wire.KindWithdraw) && (len(m.Peers) == 0 || len(m.Peers) > wire.MaxOrigins):
		t.Fatalf("names %d origins", len(m.Peers))
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

func checkWalk(t *rapid.T, m *wire.Message, to wire.PeerID, leaf bool) {
	w := m.Walk
	switch {
	case w.Kind == 0 || int(w.Kind) >= len(walkHops):
		t.Fatalf("sends a walk of kind %d", w.Kind)
	case w.Kind == wire.WalkProbe && (m.TTL > ProbeHops || w.Target == ""):
		t.Fatalf("probes %q with TTL %d", w.Target, m.TTL)
	case w.Kind != wire.WalkProbe && int(m.TTL)+int(m.Hops) > int(walkHops[w.Kind]):
		t.Fatalf("walks with TTL %d and %d hops", m.TTL, m.Hops)
	case leaf && (w.Kind != wire.WalkProbe || w.Target != to || m.TTL != 1):
		t.Fatalf("a walk goes to a leaf: %+v, TTL %d", w, m.TTL)
	case w.Target == to && m.Nonce == 0:
		t.Fatalf("nobody acknowledges %+v", w)
	case len(w.Past) > MaxPast || len(w.Tried) > MaxTried || len(w.Seen) > wire.MaxSeen || len(w.Tally.Trace) > wire.MaxSteps:
		t.Fatalf("%d past, %d tried, %d seen, %d steps", len(w.Past), len(w.Tried), len(w.Seen), len(w.Tally.Trace))
	case w.Asker.Peer != "" && !valid(w.Asker):
		t.Fatalf("passes on the asker %q", w.Asker.Peer)
	case len(w.Past) == 0 || w.Past[len(w.Past)-1] == to.Mark() || !slices.Contains(w.Past, wire.PeerID("me").Mark()):
		t.Fatalf("goes to %q and comes from %v", to, w.Past)
	}
}

// checkLeaf: a leaf relays nothing.
func checkLeaf(t *rapid.T, ev *Event, e *Effect) {
	m := &e.Msg
	switch m.Kind {
	case wire.KindQuery:
		if m.Hops > 0 {
			t.Fatalf("a leaf relays a query: %+v", m)
		}
	case wire.KindHit, wire.KindReport:
		if m.Contact.Peer != "me" {
			t.Fatalf("a leaf relays a hit: %+v", m)
		}
	case wire.KindForwardJoin:
		if ev.Msg.Kind != wire.KindForwardJoin {
			return // of who joins by it
		}
		t.Fatalf("a leaf passes %q on", m.Contact.Peer)
	case wire.KindShuffle:
		if m.Contact.Peer != "me" {
			t.Fatalf("a leaf passes the shuffle of %q on", m.Contact.Peer)
		}
	case wire.KindSummary:
		if m.Summary.Origin != "me" {
			t.Fatalf("a leaf tells of %q", m.Summary.Origin)
		}
	}
}

func checkCore(t *rapid.T, c *Core, up map[wire.PeerID]bool) {
	if c.relays() > c.cfg.Accepted() || c.leaves() > MaxLeaves || len(c.cache.entries) > c.cfg.CacheSize || len(c.requests) > MaxRequests {
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
		if !l.leaf {
			groups[l.group]++
		}
		if groups[l.group] > MaxGroupLinks {
			t.Fatalf("%d links to group %q", groups[l.group], l.group)
		}
		if c.requestTo(l.peer) != nil {
			t.Fatalf("%q is a neighbour and asked for a link", l.peer)
		}
		if l.leaf && c.cfg.Leaf {
			t.Fatalf("a leaf has the leaf %q", l.peer)
		}
		if l.trust < -MostTrust || l.trust > MostTrust {
			t.Fatalf("%q is trusted by %d", l.peer, l.trust)
		}
	}
	for i := range c.cache.entries {
		peer := c.cache.entries[i].contact.Peer
		if peer == "me" || c.links[peer] != nil || c.cache.find(peer) != &c.cache.entries[i] {
			t.Fatalf("%q is in the host cache and should not be, or twice", peer)
		}
	}
}

// checkOrigins: what is known of summaries hangs together, and on links that are up.
func checkOrigins(t *rapid.T, c *Core) {
	live, through := uint64(0), map[uint8]int{}
	for _, l := range c.view {
		live |= l.bit()
	}
	known := 0
	for i := range c.origins.all {
		o := &c.origins.all[i]
		if o.peer == "" {
			if o.via != 0 {
				t.Fatalf("nobody is known via %x", o.via)
			}
			continue
		}
		known++
		if at, ok := c.origins.places[o.peer]; !ok || int(at) != i {
			t.Fatalf("%q is at %d, not %d", o.peer, at, i)
		}
		if o.peer == "me" || o.via == 0 || o.via&^live != 0 {
			t.Fatalf("%q is known via %x of %x", o.peer, o.via, live)
		}
		if c.distrusted.find(c.now, o.peer) != nil {
			t.Fatalf("%q is known and not trusted", o.peer)
		}
		for slot := range uint8(MaxLinks) {
			if o.via&(1<<slot) == 0 {
				continue
			}
			through[slot]++
			if l := c.slots[slot]; l.leaf && l.peer != o.peer {
				t.Fatalf("the leaf %q leads to %q", l.peer, o.peer)
			}
		}
	}
	if known != len(c.origins.places) || known != c.origins.bank.Len() {
		t.Fatalf("%d origins, %d places, %d in the bank", known, len(c.origins.places), c.origins.bank.Len())
	}
	for _, l := range c.view {
		if l.origins != through[l.slot] || l.origins > MaxLinks+1 {
			t.Fatalf("%q leads to %d origins, not %d", l.peer, through[l.slot], l.origins)
		}
	}
}

// checkSearches: what is kept of queries is bounded, and comes to an end.
func checkSearches(t *rapid.T, c *Core) {
	if len(c.custodies) > MaxCarried || len(c.looking) > MaxCarried || len(c.searches) > MaxSearches {
		t.Fatalf("%d not acknowledged, %d looked up, %d searches", len(c.custodies), len(c.looking), len(c.searches))
	}
	if len(c.searches) != len(c.underway)+len(c.waiting) {
		t.Fatalf("%d searches, %d under way and %d waiting", len(c.searches), len(c.underway), len(c.waiting))
	}
	attempts := 0
	for _, s := range c.searches {
		attempts += int(s.attempts)
	}
	if len(c.attempts) != attempts {
		t.Fatalf("%d attempts, %d of them known", attempts, len(c.attempts))
	}
	for _, s := range c.underway {
		if c.searches[s.guid] != s || min(s.wake, s.deadline) < c.timers[timerSearch] || s.deadline == never {
			t.Fatalf("the search %v has no end", s.guid)
		}
		if s.attempts > MaxAttempts || len(s.under) > int(s.attempts) || len(s.latest) > int(s.attempts) || s.found < 0 {
			t.Fatalf("%d attempts, %d of them under way, %d heard of, %d found", s.attempts, len(s.under), len(s.latest), s.found)
		}
	}
	for _, s := range c.waiting {
		if c.searches[s.guid] != s || c.timers[timerAsk] == never {
			t.Fatalf("the search %v never begins", s.guid)
		}
	}
	for i := range c.custodies {
		at := &c.custodies[i]
		if l := c.slots[at.slot]; l == nil || l.serial != at.link || at.due < c.timers[timerCustody] || at.nonce == 0 {
			t.Fatalf("the custody of %v has no end", at.walk.guid)
		}
	}
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
