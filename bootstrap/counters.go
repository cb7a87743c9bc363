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

// reportInterval is how often what was dropped is logged, if anything was.
const reportInterval = time.Minute

// report logs what was dropped, in one line for all of an interval.
func (s *Server) report() {
	defer s.wg.Done()
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	var last [4]uint64
	for {
		select {
		case <-s.ctx.Done():
			return
		case <-ticker.C:
		}
		now := [4]uint64{s.counts.streamsRefused.Load(), s.counts.malformed.Load(), s.counts.busy.Load(), s.counts.lagged.Load()}
		if now != last {
			s.log.LogAttrs(s.ctx, slog.LevelWarn, "dropped in the last minute",
				slog.Uint64("streams_refused", now[0]-last[0]), slog.Uint64("malformed", now[1]-last[1]),
				slog.Uint64("busy", now[2]-last[2]), slog.Uint64("lagged", now[3]-last[3]))
		}
		last = now
	}
}
