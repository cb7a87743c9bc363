package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints the tables and what they rest on.
func report(out io.Writer, p plan, results []result) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d hosts, %d keys with %d holders each, seed %d, %v one way, %g look-ups/s, %v each at most,\nat most %d connections a host before its manager trims\n\n",
		p.hosts, p.lookups, p.holders, p.seed, p.oneWay, p.rate, p.patience, results[0].MostConns)
	lookupTable(&b, p, results)
	upkeepTable(&b, results)
	evenTable(&b, results)
	b.WriteString(assumptions)
	_, err := io.WriteString(out, b.String())
	return err
}

func table(b *strings.Builder, header string, rows func(row func(format string, args ...any))) {
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, header+"\t")
	rows(func(format string, args ...any) { fmt.Fprintf(w, format+"\t\n", args...) })
	_ = w.Flush() // to a strings.Builder
	b.WriteByte('\n')
}

func lookupTable(b *strings.Builder, p plan, results []result) {
	b.WriteString("Look-ups, before and after " + fmt.Sprintf("%.0f %%", 100*p.deaths) + " died at once; each cost is of all nodes together\n")
	header := "system\twhen\tlook-ups\tfound %\tfirst 5 s %\tmessages\tbytes\tp50 ms\tp95 ms\tCPU ms\tCPU us/message\tconns opened"
	table(b, header, func(row func(string, ...any)) {
		for _, r := range results {
			phaseRow(row, r.System, "before", r.Before)
			phaseRow(row, "", "after", r.After)
		}
	})
}

func phaseRow(row func(string, ...any), system, when string, f phase) {
	row("%s\t%s\t%d\t%.2f\t%.1f (of %d)\t%.1f\t%.0f\t%.0f\t%.0f\t%.2f\t%.0f\t%.2f",
		system, when, f.Lookups, 100*f.Success, 100*f.EarlySuccess, f.Early, f.Each.Messages, f.Each.Bytes,
		ms(f.P50), ms(f.P95), ms(f.Each.CPU), 1000*ms(f.Each.CPU)/max(f.Each.Messages, 1e-9), f.Conns)
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func upkeepTable(b *strings.Builder, results []result) {
	b.WriteString("Publishing one key at one holder, and what a node keeps\n")
	table(b, "system\tmessages\tbytes\tCPU ms\tconns\tgoroutines\theap KiB", func(row func(string, ...any)) {
		for _, r := range results {
			row("%s\t%.1f\t%.0f\t%.2f\t%.1f\t%d\t%d", r.System, r.Publish.Messages, r.Publish.Bytes, ms(r.Publish.CPU),
				r.State.Conns, r.State.Goroutines, r.State.HeapBytes>>10)
		}
	})
	fmt.Fprintf(b, "MB a node and day, with sessions of %v in the median: %.1f a day\n", medianSession, sessions())
	header := "system\tidle B/s\tidle CPU ms/s\trefresh B\tarrival B\tdeparture B\tupkeep MB\tchurn MB\tpublish MB\tat 10 look-ups\t100\t1,000\t10,000"
	table(b, header, func(row func(string, ...any)) {
		for _, r := range results {
			row("%s\t%.0f\t%.2f\t%.0f\t%.0f\t%.0f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f", r.System,
				r.IdleBytes, 1000*r.IdleCPU, r.RefreshBytes, r.ArrivalBytes, r.DepartureBytes,
				mb(r.upkeep()), mb(r.churn()), mb(r.publications()),
				mb(r.total(10)), mb(r.total(100)), mb(r.total(1000)), mb(r.total(10000)))
		}
	})
}

func mb(bytes float64) float64 { return bytes / 1e6 }

func evenTable(b *strings.Builder, results []result) {
	for i, r := range results {
		for _, other := range results[i+1:] {
			if r.Ours == other.Ours {
				continue
			}
			cheap, dear := r, other // when nobody asks
			if cheap.fixed() > dear.fixed() {
				cheap, dear = dear, cheap
			}
			if lookups, crossing := even(cheap, dear); crossing {
				fmt.Fprintf(b, "Break-even: %s is cheaper than %s below %.0f look-ups a node and day, dearer above.\n", cheap.System, dear.System, lookups)
			} else {
				fmt.Fprintf(b, "No break-even: %s is cheaper than %s at any number of look-ups.\n", cheap.System, dear.System)
			}
		}
	}
	b.WriteByte('\n')
}

const assumptions = `What this rests on
- Messages and bytes are length-prefixed frames and their lengths, counted where a
  host writes them to a stream of the system's protocols. Left out for all alike: the
  choice of protocol on a new stream, yamux, Noise and TCP, and the handshakes and
  identify of new connections, which "conns opened" counts.
- Look-ups count queries and answers only: GET_PROVIDERS of kad-dht; query, hit, ack
  and report of Grapevine; published messages and answers of floodsub. Publishing counts FIND_NODE
  and ADD_PROVIDER; summaries, of all of a node's keys together, for Grapevine.
- CPU is of the process, user and system, less that of the idle system in the same
  time; it includes encryption and the simulated delay.
- Times are to the first live holder. A hit of Grapevine and an answer of floodsub come
  from it; kad-dht's providers come from third parties. kad3 and kad10 take the first
  before the deaths (count 1), and are told for nothing which of them live after them;
  kad3-confirmed dials and pings each as it comes until one answers, in addition to its
  messages.
- kad-dht: server mode, private prefix, k = 20, beta = 3, other defaults. Its refresh
  every 10 min is run at once and measured, "refresh B" a node.
- Who dies is cut off without a goodbye, and asked for at once. "first 5 s" are the
  look-ups begun before any system could notice. Keys without a live holder are left
  out.
- Arrivals (of newcomers that hold nothing) and their silent departures are
  each watched for the same time as idling, which is measured before and after them;
  what comes later is not seen. Below zero is noise and counts as nothing.
- A node publishes all its keys at the start of each session and again in time:
  kad-dht every 22 h, which few sessions reach, Grapevine every 10 min, taken to cost
  as much as the first time. Sessions are exponential; nodes come back at once.
- The connection manager trims at what open files allow for all hosts in one process.
- Floodsub's links are given; it finds none by itself and mends none.
`
