package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// route is the way back of one query's hits. It is bound to the link that the
// query first came from, for good.
type route struct {
	from     uint32 // that link's serial; 0: the query is our own
	slot     uint8  // and its slot
	hops     uint8  // links that the query had gone when it came
	results  uint8  // relayed or delivered so far
	looked   bool   // it was looked up here, and not just passed on
	found    uint8  // of those, from the own index
	direct   bool   // hits from afar go straight to the asker
	traced   bool   // hits say who passed them on
	reported uint8  // reports relayed so far
	question uint64 // what it asks for, digested
	seen     uint64 // the slots of the links that have sent the query
}

// source is who brings hits for a query: a link by its serial, or a stranger.
type source struct {
	guid wire.GUID
	who  uint64
}

// stranger is a peer that is no neighbour, as a source. It is no link's serial.
func stranger(peer wire.PeerID) uint64 { return 1<<32 | uint64(peer.Mark()) }

// back returns the link that hits of r go to, or nil if it is gone.
func (c *Core) back(r *route) *link {
	if l := c.slots[r.slot]; l != nil && l.serial == r.from {
		return l
	}
	return nil
}

// admitted returns how many of n results may still come from a source for the query
// of r, and counts them. A relay takes no more in all than the one neighbour that
// it passes them to will take from it.
func (c *Core) admitted(r *route, guid wire.GUID, who uint64, n int) int {
	all := MaxLinkResults
	if r.from == 0 {
		all = MaxQueryResults
	}
	key := source{guid, who}
	taken := c.results.find(c.now, key)
	if taken == nil {
		taken = c.results.add(c.now, key, 0)
	}
	ok := min(n, MaxLinkResults-int(*taken), all-int(r.results))
	c.stats.ResultsOverLimit += uint64(n - ok)
	*taken += uint8(ok)
	r.results += uint8(ok)
	return ok
}
