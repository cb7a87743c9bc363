package sim

import (
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Hostile nodes take part in the membership as all do, for else they would be thrown
// out. They carry nothing for others: they acknowledge a walk and drop it, and drop
// floods, hits and reports. Their summaries are as full as receivers take, and most of
// what comes to them they answer with a claim to have it.

const (
	// fakeFilters is how many full summaries there are: nodes of one match the
	// same queries.
	fakeFilters = 16
	// fakeEvery: where its summary does not match, one query of so many is answered
	// with a false hit.
	fakeEvery = 2
)

// hostile is what makes a node one.
type hostile struct{ filter *summary.Filter }

// fakers is what the hostile nodes of a network have in common.
type fakers struct {
	share   float64 // of those that come later
	filters []*summary.Filter
}

// Corrupt makes a random share of the live nodes hostile, and as many of those that
// come later. It returns the former. Call it before ShareAll.
func (n *Network) Corrupt(share float64) []int {
	n.fakers.share = share
	some := n.Some(share)
	for _, id := range some {
		n.corrupt(id)
	}
	return some
}

// Hostile tells whether a node is.
func (n *Network) Hostile(node int) bool { return n.nodes[node].hostile != nil }

func (n *Network) corrupt(node int) {
	if n.fakers.filters == nil {
		for range fakeFilters {
			n.fakers.filters = append(n.fakers.filters, fullFilter(n.rng))
		}
	}
	n.nodes[node].hostile = &hostile{n.fakers.filters[n.rng.IntN(fakeFilters)]}
}

// filter returns the summary of a hostile node; nil: the node is honest.
func (f *fakers) filter(x *node) *summary.Filter {
	if x.hostile == nil {
		return nil
	}
	return x.hostile.filter
}

// fullFilter returns a summary of the largest size that is as full as any may be.
func fullFilter(rng *rand.Rand) *summary.Filter {
	const more = summary.MaxSize * 8 / summary.Hashes // entries than it holds
	var b summary.Builder
	for range more {
		b.Add(strconv.FormatUint(rng.Uint64(), 36), nil)
	}
	return b.Filter()
}

// withhold takes in what a hostile node does not let its core see. It tells whether
// that was so.
func (n *Network) withhold(x, from *node, m *wire.Message) bool {
	switch m.Kind {
	case wire.KindHit, wire.KindReport, wire.KindAck:
		return true
	case wire.KindQuery:
	default:
		return false
	}
	if m.Query == nil {
		return true
	}
	fakes := x.hostile.filter.Matches(summary.For(m.Query.Key, m.Query.Words)) || n.rng.IntN(fakeEvery) == 0
	if m.Nonce != 0 {
		ack := wire.Message{Kind: wire.KindAck, GUID: m.GUID, Nonce: m.Nonce}
		if fakes {
			ack.Found = 1
		}
		n.transmit(x, from.id, &ack)
	}
	if fakes {
		to := from.id
		if w := m.Walk; w != nil && w.Asker.Peer != "" && m.Hops >= overlay.DirectAfter {
			to = int32(NodeOf(w.Asker.Peer)) // nobody would pass it on
		}
		n.transmit(x, to, &wire.Message{
			Kind: wire.KindHit, GUID: m.GUID, Contact: x.contact[0], Hops: m.Hops + 1,
			Items: []wire.Item{{Key: m.Query.Key, Name: strings.Join(m.Query.Words, " ")}},
			Tally: &wire.Tally{Messages: 1, Asked: 1, Found: 1},
		})
	}
	return true
}

// withheld tells whether a hostile node keeps a message of its core to itself.
func (n *Network) withheld(m *wire.Message) bool { return n.attempt(m).search != nil }
