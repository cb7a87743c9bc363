package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// result is all that was measured. Durations are in nanoseconds in JSON.
type result struct {
	Machine   string
	LoadAfter string
	Began     time.Time
	Took      time.Duration
	Rows      []row
}

// row is one number, beside what is to be reached.
type row struct {
	Part   string
	What   string
	Value  float64
	Unit   string
	Target string `json:",omitempty"`
	Met    *bool  `json:",omitempty"`
	Note   string `json:",omitempty"`
}

// print writes the table.
func (r *result) print(out io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s, %s after; took %v\n\n", r.Machine, r.LoadAfter, r.Took.Round(time.Second))
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "part\twhat\tmeasured\ttarget\tmet\tremark")
	last := ""
	for _, row := range r.Rows {
		part := row.Part
		if part == last {
			part = ""
		}
		last = row.Part
		met := ""
		if row.Met != nil {
			met = map[bool]string{true: "yes", false: "NO"}[*row.Met]
		}
		fmt.Fprintf(w, "%s\t%s\t%s %s\t%s\t%s\t%s\n", part, row.What, number(row.Value), row.Unit, row.Target, met, row.Note)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	b.WriteString(basis)
	_, err := io.WriteString(out, b.String())
	return err
}

func number(v float64) string {
	switch {
	case v >= 100 || v == float64(int64(v)):
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

const basis = `
What this rests on
- The server is a process with the host settings of examples/bootstrap and the default
  limits of a bootstrap.Server, over TCP, Noise and yamux on loopback. Its store is a
  folder: what is granted is synced before it is acknowledged. The load comes from
  other processes on the same cores.
- A peer of the load is a key, a connection and a stream, without the rest of a libp2p
  host; it answers the server's identify as a host of Grapevine does, with four
  addresses and a signed peer record.
- Heap is what is live after a collection, RSS what the system has given the process
  after it gave back all that is free; both less the same of the idle server.
- A closed loop is 16 askers, each of whom asks again when it is answered. In an open
  loop each request has its time, and its latency counts from then, also when the one
  before is not answered yet.
- The flood shares the cores with the server and with the honest load.
- go-libp2p-rendezvous keeps its registrations in SQLite, in a file, by its defaults. To
  renew is to register again there. Its full table is written to the file beforehand.
  Grapevine's rendezvous is the same protocol, of a bootstrap.Server, which keeps those
  registrations in memory. "Find" asks for 32 peers.
`
