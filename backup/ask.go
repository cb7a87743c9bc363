package backup

import (
	"context"
	"iter"
	"time"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// ask queries the overlay for a key and yields the hits. It ends when nothing has come for
// a while after a first hit from another peer: at least quiet, and longer where round
// trips are.
func (s *Service) ask(ctx context.Context, key p2p.Key, most int, quiet time.Duration) iter.Seq2[p2p.Hit, error] {
	return func(yield func(p2p.Hit, error) bool) {
		asking, cancel := context.WithCancel(ctx)
		defer cancel()
		silence := time.AfterFunc(s.times.query, cancel)
		defer silence.Stop()
		wait, heard := quiet, false
		for hit, err := range s.node.Query(asking, p2p.Query{Key: key, Max: most, Timeout: s.times.query}) {
			if err != nil {
				if asking.Err() != nil && ctx.Err() == nil {
					return // it fell silent
				}
				yield(hit, err)
				return
			}
			silence.Stop()
			if hit.From.ID != s.node.ID() {
				heard = true
				wait = min(max(wait, quietFactor*hit.RTT), maxQuiet)
			}
			if !yield(hit, nil) {
				return
			}
			if heard {
				silence.Reset(wait)
			}
		}
	}
}
