package main

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/encoding/protowire"
)

// More than twenty hosts, for kad-dht puts a key on that many: with fewer every look-up
// would end in the asker's own store.
func TestSystems(t *testing.T) {
	chosen, err := choose("guided,flood,kad3-confirmed,kad10,floodsub")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range chosen {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := plan{
				hosts: 26, lookups: 20, holders: 3, seed: 1, deaths: 0.3, rate: 8,
				oneWay: time.Millisecond, watch: 300 * time.Millisecond, patience: 10 * time.Second,
				newcomers: 1,
			}
			if strings.HasPrefix(c.name, "kad") {
				p.newcomers = 0 // its refresh takes half a minute if a host vanished
			}
			r, err := measure(t.Context(), c, p, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if b := r.Before; b.Success != 1 || b.Lookups != p.lookups {
				t.Errorf("found %.2f of %d look-ups", b.Success, b.Lookups)
			}
			for what, value := range map[string]float64{
				"messages": r.Before.Each.Messages, "bytes": r.Before.Each.Bytes, "time": float64(r.Before.P95),
				"after":       float64(r.After.Lookups),
				"connections": r.State.Conns,
			} {
				if value <= 0 {
					t.Errorf("%s: %v", what, value)
				}
			}
			if strings.HasPrefix(c.name, "kad") && (r.Publish.Messages < 20 || r.RefreshBytes <= 0) {
				t.Errorf("publishing took %.1f messages, a refresh %.0f bytes", r.Publish.Messages, r.RefreshBytes)
			}
			var out bytes.Buffer
			if err := report(&out, p, []result{r}); err != nil || !strings.Contains(out.String(), c.name) {
				t.Errorf("report: %v\n%s", err, out.String())
			}
		})
	}
}

// Frames are found however they are cut into writes.
func TestSplitter(t *testing.T) {
	frame := func(size int) []byte {
		body := protowire.AppendTag(nil, 1, protowire.VarintType)
		body = protowire.AppendVarint(body, 3)
		body = append(body, make([]byte, size-len(body))...)
		return append(protowire.AppendVarint(nil, uint64(size)), body...)
	}
	stream := append(append(frame(2), frame(300)...), frame(2)...)
	for step := 1; step <= len(stream); step++ {
		var kinds []kind
		counts := &tally{purpose: func(k kind) purpose { kinds = append(kinds, k); return query }}
		s := splitter{protocol: "p", tally: counts}
		for rest := stream; len(rest) > 0; {
			n := min(step, len(rest))
			s.write(rest[:n])
			rest = rest[n:]
		}
		got := counts.read()
		if got.frames[query] != 3 || got.bytes[query] != int64(len(stream)) {
			t.Fatalf("in steps of %d: %+v", step, got)
		}
		for _, k := range kinds {
			if want := (kind{protocol.ID("p"), 1, 3}); k != want {
				t.Fatalf("in steps of %d: %+v", step, k)
			}
		}
	}
}

func TestSurvivors(t *testing.T) {
	p := plan{hosts: 10, lookups: 50, holders: 2, seed: 3, deaths: 0.5}
	tasks, dead := p.tasks(), p.dying()
	gone := make(map[int]bool)
	for _, i := range dead {
		gone[i] = true
	}
	left := p.survivors(tasks, dead)
	if len(left) == 0 || len(left) == len(tasks) {
		t.Errorf("%d of %d tasks have a live holder", len(left), len(tasks))
	}
	for _, task := range left {
		if gone[task.asker] || gone[task.holders[0]] && gone[task.holders[1]] {
			t.Errorf("%v with %v dead", task, dead)
		}
	}
}

func TestBreakEven(t *testing.T) {
	// A second's upkeep of 1 byte more is 86,400 a day: a hundred look-ups of 864.
	dear := result{IdleBytes: 2, Before: phase{Each: cost{Bytes: 136}}}
	cheap := result{IdleBytes: 1, Before: phase{Each: cost{Bytes: 1000}}}
	if lookups, crossing := even(cheap, dear); !crossing || lookups != 100 {
		t.Errorf("%v, %v", lookups, crossing)
	}
	dear.Before.Each.Bytes = 2000
	if lookups, crossing := even(cheap, dear); crossing {
		t.Errorf("dearer in everything, yet cheaper above %v", lookups)
	}
}
