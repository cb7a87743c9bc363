package p2p

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
)

// Traffic counts what a node's overlay sent and received since it was made.
type Traffic struct {
	Sent, Received   uint64 // overlay messages
	Queries          uint64 // queries received
	QueriesForwarded uint64 // copies of them passed on
	QueriesAnswered  uint64
	Duplicates       uint64 // queries dropped as seen before
	HitsRelayed      uint64
}

// Traffic returns the counts so far.
func (n *Node) Traffic() Traffic {
	s := n.stats()
	t := Traffic{
		Queries: s.Queries, QueriesForwarded: s.QueriesForwarded, QueriesAnswered: s.QueriesAnswered,
		Duplicates: s.QueriesDuplicate, HitsRelayed: s.HitsRelayed,
	}
	for kind := range s.Sent {
		t.Sent += s.Sent[kind]
		t.Received += s.Received[kind]
	}
	return t
}

func (n *Node) stats() overlay.Stats {
	n.driver.mu.Lock()
	defer n.driver.mu.Unlock()
	return n.driver.core.Stats()
}

// metrics are the node's Prometheus collectors.
type metrics struct {
	registry   prometheus.Registerer
	collectors []prometheus.Collector
}

func (n *Node) startMetrics(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	n.metrics = &metrics{registry: r}
	count := func(name, help string, value func() uint64) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "grapevine", Name: name, Help: help,
		}, func() float64 { return float64(value()) })
	}
	stat := func(name, help string, value func(overlay.Stats) uint64) prometheus.Collector {
		return count(name, help, func() uint64 { return value(n.stats()) })
	}
	dropped := func(name, help string, reason int) prometheus.Collector {
		return count(name, help, func() uint64 {
			n.driver.mu.Lock()
			defer n.driver.mu.Unlock()
			return n.driver.dropped[reason]
		})
	}
	for _, c := range append(n.latency.collectors(), []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "grapevine", Name: "neighbours", Help: "Peers in the active view.",
		}, func() float64 { return float64(len(n.Neighbours())) }),
		count("messages_sent_total", "Overlay messages sent.", func() uint64 { return n.Traffic().Sent }),
		count("messages_received_total", "Overlay messages received.", func() uint64 { return n.Traffic().Received }),
		stat("queries_total", "Queries received.", func(s overlay.Stats) uint64 { return s.Queries }),
		stat("queries_forwarded_total", "Copies of queries passed on.", func(s overlay.Stats) uint64 { return s.QueriesForwarded }),
		stat("queries_answered_total", "Queries that the own index matched.", func(s overlay.Stats) uint64 { return s.QueriesAnswered }),
		stat("queries_duplicate_total", "Queries dropped as seen before.", func(s overlay.Stats) uint64 { return s.QueriesDuplicate }),
		stat("queries_expired_total", "Queries dropped as out of TTL.", func(s overlay.Stats) uint64 { return s.QueriesExpired }),
		stat("queries_over_rate_total", "Queries dropped as over their link's rate.", func(s overlay.Stats) uint64 { return s.QueriesOverRate }),
		stat("queries_unshared_total", "Copies not passed on to a link whose rate was used up.", func(s overlay.Stats) uint64 { return s.QueriesUnshared }),
		stat("queries_unasked_total", "Own queries dropped because too many wait.", func(s overlay.Stats) uint64 { return s.QueriesUnasked }),
		stat("hits_relayed_total", "Hits passed back.", func(s overlay.Stats) uint64 { return s.HitsRelayed }),
		stat("hits_indirect_total", "Hits and reports dropped because they were to go straight to the asker.", func(s overlay.Stats) uint64 { return s.HitsIndirect }),
		stat("hits_unrouted_total", "Hits dropped for want of a route.", func(s overlay.Stats) uint64 { return s.HitsUnrouted }),
		stat("results_over_limit_total", "Results dropped as more than a query may bring.", func(s overlay.Stats) uint64 { return s.ResultsOverLimit }),
		stat("hits_direct_total", "Hits and reports sent straight to the asker.", func(s overlay.Stats) uint64 { return s.HitsDirect }),
		stat("walks_total", "Queries received that walk.", func(s overlay.Stats) uint64 { return s.Walks }),
		stat("walks_ended_total", "Walks that came to their end here.", func(s overlay.Stats) uint64 { return s.WalksEnded }),
		stat("walks_lost_total", "Walks passed on in vain, and taken back.", func(s overlay.Stats) uint64 { return s.WalksLost }),
		stat("walks_altered_total", "Walks dropped because their GUID came with another question before.", func(s overlay.Stats) uint64 { return s.WalksAltered }),
		stat("walks_unanswered_total", "Walks that were not looked up because too many are being.", func(s overlay.Stats) uint64 { return s.WalksUnanswered }),
		stat("walks_refused_total", "Walks dropped because a leaf relays nothing.", func(s overlay.Stats) uint64 { return s.WalksRefused }),
		stat("acks_total", "Walks passed on and acknowledged.", func(s overlay.Stats) uint64 { return s.Acks }),
		stat("acks_late_total", "Of those, late: the walk had gone on elsewhere.", func(s overlay.Stats) uint64 { return s.AcksLate }),
		stat("unexpected_total", "Acknowledgements and replies that nothing had asked for.", func(s overlay.Stats) uint64 { return s.Unexpected }),
		stat("reports_total", "Ends of walks reported to their askers.", func(s overlay.Stats) uint64 { return s.Reports }),
		stat("summaries_received_total", "Summaries and changes received.", func(s overlay.Stats) uint64 { return s.SummariesIn }),
		stat("summaries_sent_total", "Summaries and changes sent.", func(s overlay.Stats) uint64 { return s.SummariesOut }),
		stat("summary_received_bytes_total", "Bytes of them received.", func(s overlay.Stats) uint64 { return s.SummaryBytesIn }),
		stat("summary_sent_bytes_total", "Bytes of them sent.", func(s overlay.Stats) uint64 { return s.SummaryBytesOut }),
		stat("summaries_refused_total", "Summaries dropped as more than a link may tell.", func(s overlay.Stats) uint64 { return s.SummariesRefused }),
		stat("summaries_evicted_total", "Summaries forgotten because a link led to too many bytes of them.", func(s overlay.Stats) uint64 { return s.SummariesEvicted }),
		stat("false_matches_total", "Peers asked that did not have what their summary promised.", func(s overlay.Stats) uint64 { return s.FalseMatches }),
		stat("origins_dropped_total", "Peers whose summaries are believed no more.", func(s overlay.Stats) uint64 { return s.OriginsDropped }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "grapevine", Name: "summaries", Help: "Peers whose summaries are known.",
		}, func() float64 {
			n.driver.mu.Lock()
			defer n.driver.mu.Unlock()
			return float64(n.driver.core.Origins())
		}),
		stat("control_over_rate_total", "Membership messages dropped as over their link's rate.", func(s overlay.Stats) uint64 { return s.ControlOverRate }),
		stat("peers_expelled_total", "Peers that broke the protocol.", func(s overlay.Stats) uint64 { return s.Expelled }),
		dropped("dropped_slow_link_total", "Messages dropped because a link's outbox was full.", droppedSlowLink),
		dropped("dropped_match_total", "Queries not matched because the own index was too slow.", droppedMatch),
		dropped("dropped_hit_total", "Hits dropped because the asker read too slowly.", droppedHit),
		dropped("dropped_foreign_total", "Contacts from the Internet ignored because they have only private addresses.", droppedForeign),
		dropped("dropped_unknown_total", "Messages ignored because only a newer version knows them.", droppedUnknown),
		dropped("dropped_unproved_total", "Messages dropped because their link brought too many new records.", droppedUnproved),
		dropped("dropped_probe_total", "Probes not made because too many were under way.", droppedProbe),
		count("pubsub_dropped_total", "RPCs that pubsub dropped on full queues.", n.pubsubDrops.dropped.Load),
		count("pubsub_undeliverable_total", "Messages that pubsub's subscribers were too slow for.", n.pubsubDrops.undeliverable.Load),
		count("pubsub_rejected_total", "Messages that pubsub's validators rejected.", n.pubsubDrops.rejected.Load),
	}...) {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
		n.metrics.collectors = append(n.metrics.collectors, c)
	}
	return nil
}

func (m *metrics) close() {
	if m == nil {
		return
	}
	for _, c := range m.collectors {
		m.registry.Unregister(c)
	}
	m.collectors = nil
}
