package bootstrap

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// gains are the names that consensus gave to somebody lately, as far as this server
// has heard, for claims that are on their way. It has no lock.
type gains struct {
	most  int
	known map[nameKey]*gain
	queue []*gain // the oldest first, with those of names that were gained again
}

type gain struct {
	key   nameKey
	owner peer.ID
	at    time.Time
}

func newGains(most int) gains { return gains{most: most, known: make(map[nameKey]*gain)} }

// remember keeps who gained a name for as long as a claim takes.
func (g *gains) remember(now time.Time, key nameKey, owner peer.ID) {
	for len(g.queue) > 0 && (len(g.queue) >= g.most || now.Sub(g.queue[0].at) > claimTimeout) {
		oldest := g.queue[0]
		g.queue[0], g.queue = nil, g.queue[1:]
		if g.known[oldest.key] == oldest {
			delete(g.known, oldest.key)
		}
	}
	is := &gain{key, owner, now}
	g.known[key] = is
	g.queue = append(g.queue, is)
}

// overtook reports whether consensus gave a name to somebody else after a claim of it
// began: who has it now is to be asked anew.
func (g *gains) overtook(c *claim, began time.Time) bool {
	last := g.known[c.key]
	return last != nil && last.owner != c.peer && !last.at.Before(began)
}
