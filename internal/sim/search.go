package sim

import (
	"encoding/binary"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// AskOptions say how a query is asked. The zero value is the core's default.
type AskOptions struct {
	Strategy overlay.Strategy
	TTL      uint8         // of a flood; 0: the default
	Within   time.Duration // after which a hit does not count; 0: the core's default
	Record   bool          // keep the way that the query took in Search.Path
}

// Search is what became of one query.
type Search struct {
	GUID     wire.GUID // as its asker calls it
	Asker    int
	Asked    time.Duration
	Query    *wire.Query
	Strategy overlay.Strategy
	Within   time.Duration

	Messages int           // sent for it by all nodes, with those that were lost
	ByKind   [kinds]int    // the same, by [wire.Kind]
	Hits     []Hit         // true ones, in the order in which they came
	False    int           // hits from nodes that do not have what they claim
	Took     time.Duration // until the first true hit; 0 without one
	Done     bool          // the core said that nothing more will come
	Ended    time.Duration // and when, from the start of the search
	Tally    wire.Tally    // what the core counted, as it was told last
	Path     []Move        // if it was asked to be recorded

	network *Network
	record  bool
	seen    map[int32]struct{}
}

// kinds is the length of a table by kind of message.
const kinds = wire.KindWithdraw + 1

// Hit is one answer that came back.
type Hit struct {
	Holder int
	Hops   int
	After  time.Duration
	Items  []wire.Item
}

// Ask makes a node ask a query.
func (n *Network) Ask(node int, q *wire.Query, how AskOptions) *Search {
	if how.Within == 0 {
		how.Within = overlay.AskWithin
	}
	s := &Search{
		Asker: node, Asked: n.now, Query: q, Strategy: how.Strategy, Within: how.Within,
		network: n, record: how.Record, seen: map[int32]struct{}{int32(node): {}},
	}
	binary.LittleEndian.PutUint64(s.GUID[:], n.rng.Uint64())
	binary.LittleEndian.PutUint64(s.GUID[8:], n.rng.Uint64())
	n.searches[s.GUID] = s
	n.handle(n.nodes[node], overlay.Event{
		Kind: overlay.Ask, GUID: s.GUID, Query: q, TTL: how.TTL, Strategy: how.Strategy, Within: how.Within,
	})
	return s
}

// attempt is one of those that the core makes of a search.
type attempt struct {
	search *Search
	number int
}

// attempt returns that which a message belongs to; none for one of upkeep.
func (n *Network) attempt(m *wire.Message) attempt {
	switch m.Kind {
	case wire.KindQuery, wire.KindHit, wire.KindAck, wire.KindReport:
		return n.attempts[m.GUID]
	default:
		return attempt{}
	}
}

// begun notes an attempt that a node sends out, if it is one of its own.
func (n *Network) begun(x *node, m *wire.Message) {
	if m.Kind != wire.KindQuery || n.attempts[m.GUID].search != nil {
		return
	}
	if guid, number, ok := x.core.Attempt(m.GUID); ok {
		s := n.searches[guid]
		n.attempts[m.GUID] = attempt{s, int(number)}
		n.attempts[overlay.Aside(m.GUID)] = attempt{s, overlay.MaxAttempts + 1 + int(number)}
	}
}

// Succeeded tells whether a true hit came in time.
func (s *Search) Succeeded() bool { return len(s.Hits) > 0 && s.Took <= s.Within }

// Over tells whether nothing that counts can come any more.
func (s *Search) Over() bool { return s.Done || s.network.now-s.Asked > s.Within }

// Visited returns how many nodes the query has come to, the asker included.
func (s *Search) Visited() int { return len(s.seen) }

// Reach returns the share of the nodes that are live now which the query has
// come to.
func (s *Search) Reach() float64 {
	visited := 0
	for id := range s.seen {
		if s.network.nodes[id].alive {
			visited++
		}
	}
	return float64(visited) / float64(max(1, s.network.live))
}

// Coverage returns the share of the live nodes that lie within two links of a node
// that the query has come to: those whose summaries it could be tested against.
func (s *Search) Coverage() float64 {
	n := s.network
	covered := make(map[int32]struct{}, n.live)
	for id := range s.seen {
		if !n.nodes[id].alive {
			continue
		}
		covered[id] = struct{}{}
		for _, next := range n.nodes[id].view {
			if !n.linked(id, next) {
				continue
			}
			covered[next] = struct{}{}
			for _, second := range n.nodes[next].view {
				if n.linked(next, second) {
					covered[second] = struct{}{}
				}
			}
		}
	}
	return float64(len(covered)) / float64(max(1, n.live))
}

func (n *Network) visited(x *node, guid wire.GUID) {
	if s := n.attempts[guid].search; s != nil {
		s.seen[x.id] = struct{}{}
	}
}

// delivered notes a hit that came to its asker, and refuses it if it is false, as a
// program does that finds nothing at the holder.
func (n *Network) delivered(x *node, e *overlay.Effect) {
	s := n.searches[e.GUID]
	if s == nil {
		return
	}
	if e.Msg.Tally != nil {
		s.Tally = *e.Msg.Tally
	}
	holder := NodeOf(e.Msg.Contact.Peer)
	if !n.holds(holder, s.Query) {
		s.False++
		x.todo = append(x.todo, overlay.Event{Kind: overlay.Reject, GUID: e.GUID, Peer: e.Msg.Contact.Peer, Items: e.Msg.Items[:1:1]})
		return
	}
	if len(s.Hits) == 0 {
		s.Took = n.now - s.Asked
	}
	s.Hits = append(s.Hits, Hit{
		Holder: holder, Hops: int(e.Msg.Hops), After: n.now - s.Asked, Items: e.Msg.Items,
	})
}

func (n *Network) done(e *overlay.Effect) {
	s := n.searches[e.GUID]
	if s == nil {
		return
	}
	s.Done, s.Ended = true, n.now-s.Asked
	if e.Msg.Tally != nil {
		s.Tally = *e.Msg.Tally
	}
}

// holds tells whether a node can be had what a query asks for from.
func (n *Network) holds(node int, q *wire.Query) bool {
	if node < 0 || node >= len(n.nodes) {
		return false
	}
	x := n.nodes[node]
	return x.alive && x.hostile == nil && len(n.index(node, q)) > 0
}

// count notes a message that is sent: as one of a search, or of upkeep.
func (n *Network) count(x *node, to int32, m *wire.Message) {
	a := n.attempt(m)
	s := a.search
	if s == nil {
		n.upkeep.count(m)
		return
	}
	s.Messages++
	s.ByKind[m.Kind]++
	if s.record {
		s.Path = append(s.Path, moveOf(n, x.id, to, a, m))
	}
}
