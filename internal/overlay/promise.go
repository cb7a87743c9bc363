package overlay

import (
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// promising returns the places of at most so many origins that match and are not
// among the tried: those first whose filters are least likely to match by accident.
// It is good until the next call.
func (c *Core) promising(p *summary.Pattern, tried []uint32, most int) []int32 {
	places := c.origins.match(p)
	n := 0
	for _, at := range places {
		o := &c.origins.all[at]
		if slices.Contains(tried, o.mark) || c.wayTo(o.peer, nil) == nil ||
			c.origins.bank.Get(int(at)).Rate(p)*float64(len(c.origins.places)) > Telling {
			continue
		}
		places[n] = at
		n++
	}
	places = places[:n]
	if n > 1 {
		c.rng.Shuffle(n, func(i, j int) { places[i], places[j] = places[j], places[i] })
		slices.SortStableFunc(places, func(a, b int32) int {
			return int(c.doubt(a)) - int(c.doubt(b))
		})
	}
	return places[:min(n, most)]
}

// doubt says how little a match of an origin tells: how full its filter is, in
// steps, whether it was wrong before, and how far away it is.
func (c *Core) doubt(at int32) uint32 {
	o := &c.origins.all[at]
	doubt := 4 * uint32(o.falses)
	if f := c.origins.bank.Get(int(at)); f != nil && f.Fill() > HonestFill {
		doubt += 8
	}
	if c.links[o.peer] == nil {
		doubt++
	}
	return doubt
}

// plain tells whether a false match of a query is an accident or a lie: of one for
// several words it may be that the words are of different names.
func plain(q *wire.Query) bool {
	return len(q.Words) == 0 || q.Key == "" && len(q.Words) == 1
}

// promises tells whether a peer's summary, as it is known here, matches a query. A walk
// may have been sent to it for anything.
func (c *Core) promises(peer wire.PeerID, q *wire.Query) bool {
	return c.origins.filter(peer).Matches(summary.For(q.Key, q.Words))
}
