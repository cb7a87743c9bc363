package sim

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Move is one message of a search on its way.
type Move struct {
	At       time.Duration // when it was sent, from the start of the search
	From, To int
	Kind     wire.Kind
	Walk     wire.WalkKind // of a query that walks; 0: it floods
	Target   int           // whom a probe is for; -1: nobody in particular
	Hops     int           // links that the query had gone
	TTL      int           // links left of a flood or a walk
	Found    int           // results: of a hit, an acknowledgement
	Attempt  int           // of the search; those above [overlay.MaxAttempts] are of probes aside
	Dialled  bool          // its sender had no link to whom it is for
	Missed   bool          // nobody was there to take it
	Hostile  bool          // its sender is
}

func moveOf(n *Network, from, to int32, a attempt, m *wire.Message) Move {
	v := Move{
		At: n.now - a.search.Asked, From: int(from), To: int(to), Kind: m.Kind, Target: -1,
		Hops: int(m.Hops), TTL: int(m.TTL), Found: int(m.Found), Attempt: a.number,
		Dialled: n.nodes[from].links[to] == nil,
		Missed:  int(to) >= len(n.nodes) || to < 0 || !n.reachable(from, to),
		Hostile: n.nodes[from].hostile != nil,
	}
	if m.Kind == wire.KindHit {
		v.Found = len(m.Items)
	}
	if m.Walk != nil {
		v.Walk = m.Walk.Kind
		if m.Walk.Target != "" {
			v.Target = NodeOf(m.Walk.Target)
		}
	}
	return v
}
