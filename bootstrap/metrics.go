package bootstrap

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metricsHandler serves a server's counters and gauges to Prometheus, from a registry
// of their own.
func metricsHandler(s *Server) http.Handler {
	registry := prometheus.NewRegistry()
	counter := func(name, help string, value func(tally) uint64) {
		registry.MustRegister(prometheus.NewCounterFunc(
			prometheus.CounterOpts{Namespace: "grapevine", Subsystem: "directory", Name: name, Help: help},
			func() float64 { return float64(value(s.counts.read())) }))
	}
	gauge := func(name, help string, value func() float64) {
		registry.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Namespace: "grapevine", Subsystem: "directory", Name: name, Help: help}, value))
	}
	counter("granted_total", "Registrations granted.", func(t tally) uint64 { return t.Granted })
	counter("removed_total", "Registrations removed by their owners.", func(t tally) uint64 { return t.Removed })
	counter("renewed_total", "Leases renewed.", func(t tally) uint64 { return t.Renewed })
	counter("lookups_total", "Names looked up.", func(t tally) uint64 { return t.Lookups })
	counter("streams_refused_total", "Streams refused by a limit on streams, watchers, open pages or lists over HTTP.",
		func(t tally) uint64 { return t.StreamsRefused })
	counter("malformed_total", "Streams reset for what came over them.", func(t tally) uint64 { return t.Malformed })
	counter("busy_total", "Requests over a rate.", func(t tally) uint64 { return t.Busy })
	counter("refused_total", "Requests refused for another reason.", func(t tally) uint64 { return t.Refused })
	counter("lagged_total", "Watchers and pages that were too slow.", func(t tally) uint64 { return t.Lagged })

	gauge("registrations", "Live registrations.", func() float64 { _, n := s.health(); return float64(n) })
	gauge("peers", "Peers registered, without hidden ones.", func() float64 { return float64(s.population().Peers) })
	gauge("peers_online", "Peers connected, without hidden ones.", func() float64 { return float64(s.population().Online) })
	gauge("names", "Names registered, without hidden peers'.", func() float64 { return float64(s.population().Names) })
	gauge("healthy", "1 while registrations are taken.", func() float64 {
		if status, _ := s.health(); status != healthy {
			return 0
		}
		return 1
	})
	gauge("uptime_seconds", "Time since the server was started.", func() float64 { return float64(s.uptime()) })
	registry.MustRegister(memberMetrics{s})
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
}

// memberMetrics tells of the servers of the federation.
type memberMetrics struct{ server *Server }

var _ prometheus.Collector = memberMetrics{}

func memberDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("grapevine", "directory", name), help, []string{"server"}, nil)
}

func (m memberMetrics) descs() (reachable, leader, behind *prometheus.Desc) {
	return memberDesc("member_reachable", "1 while this server hears from the member."),
		memberDesc("member_leader", "1 for the member that orders the claims."),
		memberDesc("member_behind", "Entries of the names' log that the member lacks.")
}

// Describe implements [prometheus.Collector].
func (m memberMetrics) Describe(out chan<- *prometheus.Desc) {
	reachable, leader, behind := m.descs()
	out <- reachable
	out <- leader
	out <- behind
}

// Collect implements [prometheus.Collector].
func (m memberMetrics) Collect(out chan<- prometheus.Metric) {
	reachable, leader, behind := m.descs()
	_, members, _ := m.server.history.since(0)
	number := func(yes bool) float64 {
		if yes {
			return 1
		}
		return 0
	}
	servers := make(map[string]Member)
	for _, member := range members { // one that lost its disk comes twice, see Members
		id := member.Peer.ID.String()
		had := servers[id]
		servers[id] = Member{
			Reachable: had.Reachable || member.Reachable, Leader: had.Leader || member.Leader,
			Behind: max(had.Behind, member.Behind),
		}
	}
	for id, member := range servers {
		out <- prometheus.MustNewConstMetric(reachable, prometheus.GaugeValue, number(member.Reachable), id)
		out <- prometheus.MustNewConstMetric(leader, prometheus.GaugeValue, number(member.Leader), id)
		out <- prometheus.MustNewConstMetric(behind, prometheus.GaugeValue, float64(member.Behind), id)
	}
}
