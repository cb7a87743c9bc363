package p2p

import (
	"bytes"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Whatever tells two messages apart on the wire keeps them from sharing a packet.
func TestPacketsAreShared(t *testing.T) {
	query := wire.Message{
		Kind: wire.KindQuery, GUID: wire.GUID{1}, TTL: 3, Hops: 1, Query: &wire.Query{Key: "k", Max: 1},
	}
	summary := wire.Message{Kind: wire.KindSummary, Summary: &wire.Summary{Origin: "a", Seq: 1}}
	for name, c := range map[string]struct {
		first  wire.Message
		change func(*wire.Message)
		shared bool
	}{
		"the same query":   {query, func(*wire.Message) {}, true},
		"another query":    {query, func(m *wire.Message) { m.Query = &wire.Query{Key: "l", Max: 1} }, false},
		"another GUID":     {query, func(m *wire.Message) { m.GUID[0]++ }, false},
		"to a leaf":        {query, func(m *wire.Message) { m.TTL = 1 }, false},
		"further":          {query, func(m *wire.Message) { m.Hops++ }, false},
		"acknowledged":     {query, func(m *wire.Message) { m.Nonce = 1 }, false},
		"walking":          {query, func(m *wire.Message) { m.Walk = &wire.Walk{Kind: wire.WalkRandom} }, false},
		"the same summary": {summary, func(*wire.Message) {}, true},
		"another summary":  {summary, func(m *wire.Message) { m.Summary = &wire.Summary{Origin: "a", Seq: 2} }, false},
		"another kind":     {summary, func(m *wire.Message) { *m = query }, false},
		"a ping":           {wire.Message{Kind: wire.KindPing}, func(m *wire.Message) { m.Nonce = 1 }, false},
	} {
		t.Run(name, func(t *testing.T) {
			next := c.first
			c.change(&next)
			var d driver
			first, second := d.pack(&c.first), d.pack(&next)
			if shared := first == second; shared != c.shared {
				t.Errorf("shared: %t", shared)
			}
			want, err := wire.Encode(next)
			if err != nil {
				t.Fatal(err)
			}
			for range 2 { // for each link
				if got, err := second.encoded(); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%x, %v, not %x", got, err, want)
				}
			}
		})
	}
}
