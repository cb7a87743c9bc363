package p2p

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// latency measures the node's own queries.
type latency struct {
	asked    *[RandomWalk + 1]atomic.Uint64 // by strategy
	firstHit prometheus.Histogram
	everyHit prometheus.Histogram
}

func newLatency() latency {
	histogram := func(name, help string) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "grapevine", Name: name, Help: help,
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 14), // 5 ms to 41 s
		})
	}
	return latency{
		asked:    new([RandomWalk + 1]atomic.Uint64),
		firstHit: histogram("query_first_hit_seconds", "From asking to the first hit of somebody else."),
		everyHit: histogram("query_hit_seconds", "From asking to each hit of somebody else."),
	}
}

func (l latency) hit(after time.Duration, first bool) {
	l.everyHit.Observe(after.Seconds())
	if first {
		l.firstHit.Observe(after.Seconds())
	}
}

// collectors are those of the measurements.
func (l latency) collectors() []prometheus.Collector {
	all := []prometheus.Collector{l.firstHit, l.everyHit}
	for _, s := range strategies() {
		all = append(all, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "grapevine", Name: "queries_asked_total", Help: "Own queries, by strategy.",
			ConstLabels: prometheus.Labels{"strategy": s.String()},
		}, func() float64 { return float64(l.asked[s].Load()) }))
	}
	return all
}
