package overlay

import "github.com/grapevine-p2p/grapevine/internal/wire"

// Stats counts what a core did since it was made.
type Stats struct {
	Sent     [wire.KindWithdraw + 1]uint64 // messages sent, by kind
	Received [wire.KindWithdraw + 1]uint64 // messages received, by kind

	Queries          uint64 // queries received
	QueriesForwarded uint64 // queries passed on, once a link
	QueriesAnswered  uint64 // queries that the own index matched
	QueriesDuplicate uint64 // dropped: seen before
	QueriesExpired   uint64 // dropped: no TTL left on arrival
	QueriesOverRate  uint64 // dropped: more than the link may send
	QueriesUnshared  uint64 // not passed on to one link: its rate was used up
	QueriesUnasked   uint64 // own, dropped: too many wait for their turn
	Walks            uint64 // queries received that walk
	WalksEnded       uint64 // that came to their end here
	WalksLost        uint64 // passed on in vain, and taken back
	WalksRefused     uint64 // dropped: a leaf relays nothing
	WalksAltered     uint64 // dropped: another question under the same GUID
	WalksUnanswered  uint64 // not looked up: too many are being
	Acks             uint64 // walks passed on and acknowledged
	AcksLate         uint64 // of those, after they had gone on elsewhere
	Reports          uint64 // sent
	HitsRelayed      uint64
	HitsDelivered    uint64
	HitsDirect       uint64 // hits and reports sent straight to the asker
	HitsIndirect     uint64 // dropped: they were to go straight to the asker
	HitsUnrouted     uint64 // dropped: no route, or the neighbour is gone
	ResultsOverLimit uint64 // items dropped: more than a query may bring

	SummariesIn      uint64
	SummariesOut     uint64
	SummaryBytesIn   uint64
	SummaryBytesOut  uint64
	SummariesRefused uint64 // dropped: more than a link may tell
	SummariesEvicted uint64 // forgotten: a link led to too much
	FalseMatches     uint64 // neighbours that did not have what their summary promised
	OriginsDropped   uint64 // for too many of these

	ControlOverRate uint64 // dropped: membership messages over their rate
	Unexpected      uint64 // dropped: replies that nothing had asked for

	Ups       uint64
	Downs     [reasons]uint64 // by Reason
	Declined  uint64          // requests for a link that were not granted
	Displaced uint64          // neighbours that made room for others
	Expelled  uint64          // peers that broke the protocol
	Starved   uint64          // times that the node found itself late
}

// reasons is the number of reasons, for tables by reason.
const reasons = ReasonTransient + 1

// Add adds the counts of o.
func (s *Stats) Add(o *Stats) {
	for i := range s.Sent {
		s.Sent[i] += o.Sent[i]
		s.Received[i] += o.Received[i]
	}
	for i := range s.Downs {
		s.Downs[i] += o.Downs[i]
	}
	s.Queries += o.Queries
	s.QueriesForwarded += o.QueriesForwarded
	s.QueriesAnswered += o.QueriesAnswered
	s.QueriesDuplicate += o.QueriesDuplicate
	s.QueriesExpired += o.QueriesExpired
	s.QueriesOverRate += o.QueriesOverRate
	s.QueriesUnshared += o.QueriesUnshared
	s.QueriesUnasked += o.QueriesUnasked
	s.Walks += o.Walks
	s.WalksEnded += o.WalksEnded
	s.WalksLost += o.WalksLost
	s.WalksRefused += o.WalksRefused
	s.WalksAltered += o.WalksAltered
	s.WalksUnanswered += o.WalksUnanswered
	s.Acks += o.Acks
	s.AcksLate += o.AcksLate
	s.Reports += o.Reports
	s.HitsDirect += o.HitsDirect
	s.SummariesIn += o.SummariesIn
	s.SummariesOut += o.SummariesOut
	s.SummaryBytesIn += o.SummaryBytesIn
	s.SummaryBytesOut += o.SummaryBytesOut
	s.SummariesRefused += o.SummariesRefused
	s.SummariesEvicted += o.SummariesEvicted
	s.FalseMatches += o.FalseMatches
	s.OriginsDropped += o.OriginsDropped
	s.HitsRelayed += o.HitsRelayed
	s.HitsDelivered += o.HitsDelivered
	s.HitsIndirect += o.HitsIndirect
	s.HitsUnrouted += o.HitsUnrouted
	s.ResultsOverLimit += o.ResultsOverLimit
	s.ControlOverRate += o.ControlOverRate
	s.Unexpected += o.Unexpected
	s.Ups += o.Ups
	s.Declined += o.Declined
	s.Displaced += o.Displaced
	s.Expelled += o.Expelled
	s.Starved += o.Starved
}
