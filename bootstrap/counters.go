package bootstrap

import (
	"log/slog"
	"sync/atomic"
	"time"
)

// counters count what a server did and what it dropped.
type counters struct {
	granted, removed, renewed, lookups atomic.Uint64

	streamsRefused atomic.Uint64 // over a limit on streams or watchers
	malformed      atomic.Uint64 // streams reset for what came over them
	busy           atomic.Uint64 // requests over a rate
	refused        atomic.Uint64 // requests answered with another error
	lagged         atomic.Uint64 // watchers too slow
}

// tally is what the counters of a server said at one moment, since it was started.
type tally struct {
	Granted        uint64 `json:"granted"`
	Removed        uint64 `json:"removed"`
	Renewed        uint64 `json:"renewed"`
	Lookups        uint64 `json:"lookups"`
	StreamsRefused uint64 `json:"streams_refused"`
	Malformed      uint64 `json:"malformed"`
	Busy           uint64 `json:"busy"`
	Refused        uint64 `json:"refused"`
	Lagged         uint64 `json:"lagged"`
}

func (c *counters) read() tally {
	return tally{
		Granted: c.granted.Load(), Removed: c.removed.Load(), Renewed: c.renewed.Load(), Lookups: c.lookups.Load(),
		StreamsRefused: c.streamsRefused.Load(), Malformed: c.malformed.Load(), Busy: c.busy.Load(),
		Refused: c.refused.Load(), Lagged: c.lagged.Load(),
	}
}

// dropped leaves only what is a reason to report; refusals are mostly names that are
// taken.
func (t tally) dropped() tally {
	return tally{StreamsRefused: t.StreamsRefused, Malformed: t.Malformed, Busy: t.Busy, Lagged: t.Lagged}
}

// reportInterval is how often what was dropped is logged, if anything was.
const reportInterval = time.Minute

// report logs what was dropped, in one line for all of an interval, and beside it
// what was done.
func (s *Server) report() {
	defer s.wg.Done()
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	var last tally
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
		now := s.counts.read()
		if now.dropped() != last.dropped() {
			s.log.LogAttrs(s.ctx, slog.LevelWarn, "dropped in the last minute",
				slog.Uint64("streams_refused", now.StreamsRefused-last.StreamsRefused), slog.Uint64("malformed", now.Malformed-last.Malformed),
				slog.Uint64("busy", now.Busy-last.Busy), slog.Uint64("lagged", now.Lagged-last.Lagged),
				slog.Uint64("refused", now.Refused-last.Refused), slog.Uint64("granted", now.Granted-last.Granted),
				slog.Uint64("removed", now.Removed-last.Removed), slog.Uint64("renewed", now.Renewed-last.Renewed),
				slog.Uint64("lookups", now.Lookups-last.Lookups))
		}
		last = now
	}
}
