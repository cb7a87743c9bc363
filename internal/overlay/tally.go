package overlay

import (
	"slices"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// count notes what an attempt has cost when it was last heard of. The probes that
// walks send out on their way share a number, and tell each their own. What one tells
// of a share that it could not measure is not believed.
func (s *search) count(number uint8, t *wire.Tally) {
	switch last := s.latest[number]; {
	case number&sideAttempt != 0:
		s.own.Messages += t.Messages
		s.own.Asked += t.Asked
		s.own.Unreachable += t.Unreachable
		s.own.Stale += t.Stale
	case number == 0 || number > s.attempts:
	case last == nil || t.Messages >= last.Messages:
		if !slices.Contains(s.seeing, number) {
			t = snapshot(t)
			t.Known, t.Fresh = 0, 0
		}
		s.latest[number] = t
	}
}

// tally adds up what the attempts of a search have cost, as far as is known. The share
// of the overlay that they covered together is 1 - Fresh/Known, unknown if Known is 0.
// In the trace, this node stands between two attempts: each begins here.
func (c *Core) tally(s *search) *wire.Tally {
	sum := s.own
	sum.Found = uint32(s.found)
	for number := 1; number <= int(s.attempts); number++ {
		t := s.latest[uint8(number)]
		if t == nil {
			continue
		}
		sum.Messages += t.Messages
		sum.Asked += t.Asked
		sum.Covered = max(sum.Covered, t.Covered)
		sum.Unreachable += t.Unreachable
		sum.Stale += t.Stale
		if len(t.Trace) > 0 && len(sum.Trace) > 0 && len(sum.Trace) < wire.MaxSteps {
			sum.Trace = append(sum.Trace, wire.Step{Peer: c.self.Peer})
		}
		sum.Trace = append(sum.Trace, t.Trace[:min(len(t.Trace), wire.MaxSteps-len(sum.Trace))]...)
	}
	if missed := s.missed(); missed < 1 {
		sum.Known, sum.Fresh = SharePrecision, uint32(missed*SharePrecision)
	}
	return &sum
}

// missed is the share of the overlay that the attempts have not seen, if each went
// where it went by chance.
func (s *search) missed() float64 {
	missed := 1.0
	for number := 1; number <= int(s.attempts); number++ {
		if t := s.latest[uint8(number)]; t != nil && t.Known > 0 {
			missed *= float64(min(t.Fresh, t.Known)) / float64(t.Known)
		}
	}
	return missed
}

// seenAll tells whether two attempts have met nobody new for so long that nobody is
// left. One may be forged, and they began at different neighbours.
func (s *search) seenAll() bool {
	ends := 0
	for _, number := range s.seeing {
		if t := s.latest[number]; t != nil && t.Known > SurveySample && t.Fresh == 0 {
			ends++
		}
	}
	return ends >= EnoughEnds
}

// nobodyNew tells whether no attempt so far has met anybody who was not known before.
func (s *search) nobodyNew() bool {
	for number := 1; number <= int(s.attempts); number++ {
		if t := s.latest[uint8(number)]; t != nil && t.Fresh > 0 {
			return false
		}
	}
	return true
}
