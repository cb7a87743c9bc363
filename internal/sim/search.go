package sim

import (
	"encoding/binary"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Search is what became of one query.
type Search struct {
	GUID     wire.GUID
	Asker    int
	Asked    time.Duration
	Messages int           // queries and hits sent for it, by all nodes
	Hits     []Hit         // in the order in which they came
	Took     time.Duration // until the first hit; 0 without one

	network *Network
	seen    map[int32]struct{}
}

// Hit is one answer that came back.
type Hit struct {
	Holder int
	Hops   int
	After  time.Duration
	Items  []wire.Item
}

// Ask makes a node ask a query with a TTL; 0 is the default.
func (n *Network) Ask(node int, q *wire.Query, ttl uint8) *Search {
	s := &Search{Asker: node, Asked: n.now, network: n, seen: map[int32]struct{}{int32(node): {}}}
	binary.LittleEndian.PutUint64(s.GUID[:], n.rng.Uint64())
	binary.LittleEndian.PutUint64(s.GUID[8:], n.rng.Uint64())
	n.searches[s.GUID] = s
	n.handle(n.nodes[node], overlay.Event{Kind: overlay.Ask, GUID: s.GUID, Query: q, TTL: ttl})
	return s
}

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

func (n *Network) visited(x *node, e *overlay.Effect) {
	if s := n.searches[e.GUID]; s != nil {
		s.seen[x.id] = struct{}{}
	}
}

func (n *Network) delivered(e *overlay.Effect) {
	s := n.searches[e.GUID]
	if s == nil {
		return
	}
	if len(s.Hits) == 0 {
		s.Took = n.now - s.Asked
	}
	s.Hits = append(s.Hits, Hit{
		Holder: NodeOf(e.Msg.Contact.Peer), Hops: int(e.Msg.Hops), After: n.now - s.Asked, Items: e.Msg.Items,
	})
}

// count notes a message that belongs to a search.
func (n *Network) count(_ *node, m *wire.Message) {
	if m.Kind == wire.KindQuery || m.Kind == wire.KindHit {
		if s := n.searches[m.GUID]; s != nil {
			s.Messages++
		}
	}
}
