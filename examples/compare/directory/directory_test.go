package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if role := os.Getenv(roleVariable); role != "" {
		main()
		return
	}
	goleak.VerifyTestMain(m,
		// Started by packages that libp2p imports, for as long as the process runs.
		goleak.IgnoreAnyFunction("github.com/ipfs/go-log/v2.(*PipeReader).Read"),
	)
}

// small is enough to see that everything is measured. There are so many claimants that
// none of them reaches a peer's limit, however fast they are answered.
func small() plan {
	return plan{
		leases: 40, conns: 20, renewers: 200, renewals: 100, lookups: 20,
		honest: 10, normal: 20, watchers: 20, arrivals: 20, claimants: 250, filled: 100,
		period: 300 * time.Millisecond, calm: 300 * time.Millisecond, siege: 500 * time.Millisecond, forgets: time.Millisecond,
	}
}

// Every measurement runs, and what must not depend on how busy the machine is holds.
func TestMeasurements(t *testing.T) {
	for _, m := range measurements {
		t.Run(m.name, func(t *testing.T) {
			p := small()
			p.profiles = t.TempDir()
			r, err := measure(t.Context(), p, []string{m.name}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Rows) < 3 {
				t.Errorf("only %d numbers", len(r.Rows))
			}
			for _, row := range r.Rows {
				if row.Unit == "/s" && row.Value <= 0 {
					t.Errorf("%s: %v %s", row.What, row.Value, row.Unit)
				}
				if strings.HasPrefix(row.What, "honest leases lost") && row.Value != 0 {
					t.Errorf("%s: %v", row.What, row.Value)
				}
				if strings.Contains(row.Note, "failed") {
					t.Errorf("%s: %s", row.What, row.Note)
				}
			}
			var out bytes.Buffer
			if err := r.print(&out); err != nil || !strings.Contains(out.String(), r.Rows[0].What) {
				t.Errorf("%v: %s", err, out.String())
			}
		})
	}
}

func TestFlags(t *testing.T) {
	for _, args := range [][]string{{"--only", "nothing"}, {"more"}, {"--leases", "many"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
	var out bytes.Buffer
	args := strings.Fields("--json --only connections --connections 5 --period 10ms")
	if err := run(t.Context(), args, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var r result
	if err := json.Unmarshal(out.Bytes(), &r); err != nil || len(r.Rows) == 0 || r.Rows[0].Met == nil {
		t.Errorf("%v: %s", err, out.String())
	}
}

// In an open loop an answer that is late makes those after it late as well.
func TestOpenLoopCountsWaiting(t *testing.T) {
	const late = 200 * time.Millisecond
	var n atomic.Int64
	members := []*member{{}}
	timing := drive(t.Context(), members, Pace{For: late, Rate: 100}, new(atomic.Int64), func(*member) (bool, error) {
		if n.Add(1) == 1 {
			<-time.After(late)
		}
		return false, nil
	})
	if timing.Count != 20 || timing.Max < late || timing.P50 < late/4 {
		t.Errorf("%+v", timing)
	}
}

func TestClosedLoopEndsWithWhatThereIsToAsk(t *testing.T) {
	members := make([]*member, 10)
	for i := range members {
		members[i] = &member{}
	}
	refused := errors.New("refused")
	timing := drive(t.Context(), members, Pace{For: time.Hour, Workers: 3}, new(atomic.Int64), func(m *member) (bool, error) {
		if m.claimed == 4 {
			return true, nil
		}
		if m.claimed++; m.claimed == 4 {
			return false, refused
		}
		return false, nil
	})
	if timing.Count != 30 || timing.Failed != 10 || timing.Failure != "refused" {
		t.Errorf("%+v", timing)
	}
}

func TestQuantile(t *testing.T) {
	var sorted []time.Duration
	for i := range 100 {
		sorted = append(sorted, time.Duration(i))
	}
	for q, want := range map[float64]time.Duration{0: 0, 0.5: 50, 0.99: 99, 1: 99} {
		if got := quantile(sorted, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
}
