package sim

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

func env(name string, d float64) float64 {
	if v, err := strconv.ParseFloat(os.Getenv(name), 64); err == nil {
		return v
	}
	return d
}

func TestScratch(t *testing.T) {
	peers, queries := int(env("PEERS", 2000)), int(env("QUERIES", 500))
	cfg := DefaultConfig()
	if d := int(env("DEGREE", 0)); d > 0 {
		cfg.Overlay.Degree = d
	}
	if d := int(env("MAXDEGREE", 0)); d > 0 {
		cfg.Overlay.MaxDegree = d
	}
	cfg.Contents = NewContents(ContentsConfig{Seed: 1, Peers: peers, Entries: int(env("KEYS", 1000)), Wanted: queries, Replicas: int(env("R", 3)), Words: int(env("WORDS", 0)), Absent: env("ABSENT", 0) > 0})
	n, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	n.Grow(peers, time.Minute)
	n.Run(100 * time.Second)
	if h := env("HOSTILE", 0); h > 0 {
		n.Corrupt(h)
	}
	fmt.Println("grown", time.Since(began), n.Views().Mean, n.Views().Least, n.Views().Most)
	n.ShareAll(20 * time.Second)
	n.Run(40 * time.Second)
	o, b := n.State()
	fmt.Println("shared", time.Since(began), "origins", o, "state KiB", b/1024)
	if dead := env("DEAD", 0); dead > 0 {
		n.Kill(n.Some(dead)...)
		n.Run(time.Duration(env("AFTER", 3) * float64(time.Second)))
	}
	var all []*Search
	strategy := overlay.Strategy(env("STRATEGY", 0))
	live := n.Live()
	for i := range queries {
		if len(n.Holders(i)) == 0 && env("ABSENT", 0) == 0 {
			continue
		}
		var asker int
		for {
			asker = live[n.rng.IntN(len(live))]
			if !n.Hostile(asker) && !slices.Contains(n.Holders(i), asker) {
				break
			}
		}
		n.After(time.Duration(i)*time.Duration(env("SPREAD",2)*float64(time.Second))/time.Duration(queries), func() {
			all = append(all, n.Ask(asker, n.cfg.Contents.Query(i), AskOptions{Strategy: strategy, Within: time.Duration(env("WITHIN", 10)) * time.Second, Record: true}))
		})
	}
	n.Run(time.Duration(env("SPREAD", 2)+env("WITHIN", 10)+1) * time.Second)
	var msgs, lat []int
	ok, sum, falses := 0, 0, 0
	var kinds [32]int
	for _, s := range all {
		msgs = append(msgs, s.Messages)
		sum += s.Messages
		falses += s.False
		for k, v := range s.ByKind {
			kinds[k] += v
		}
		if s.Succeeded() {
			ok++
			lat = append(lat, int(s.Took/time.Millisecond))
		}
	}
	slices.Sort(msgs)
	slices.Sort(lat)
	fmt.Printf("queries %d success %.2f%% mean %.2f p50 %d p95 %d max %d  false hits %d\n", len(all), 100*float64(ok)/float64(len(all)), float64(sum)/float64(len(all)), msgs[len(msgs)/2], msgs[len(msgs)*95/100], msgs[len(msgs)-1], falses)
	if len(lat) > 0 {
		fmt.Printf("latency p50 %d p95 %d max %d\n", lat[len(lat)/2], lat[len(lat)*95/100], lat[len(lat)-1])
	}
	for k, v := range kinds {
		if v > 0 {
			fmt.Printf(" kind %d: %.2f", k, float64(v)/float64(len(all)))
		}
	}
	fmt.Println("\n wall", time.Since(began))
	st := n.Stats()
	fmt.Printf("lost %d acks %d false %d dropped %d unrouted %d expelled %d refused %d unshared %d\n", st.WalksLost, st.Acks, st.FalseMatches, st.OriginsDropped, st.HitsUnrouted, st.Expelled, st.SummariesRefused, st.QueriesUnshared)
	shown := 0
	for _, s := range all {
		if !s.Succeeded() && shown < int(env("SHOW", 2)) && env("ABSENT", 0) == 0 {
			shown++
			fmt.Printf("FAILED asker %d messages %d done %v ended %v tally %+v\n", s.Asker, s.Messages, s.Done, s.Ended, s.Tally)
			for _, m := range s.Path {
				fmt.Printf("   %+v\n", m)
			}
		}
	}
	if env("ABSENT", 0) > 0 {
		for i, s := range all[:min(5, len(all))] {
			fmt.Println(i, s.Coverage(), 1-float64(s.Tally.Fresh)/float64(max(1, s.Tally.Known)), s.Messages, s.Tally.Asked, s.Ended, s.Done)
		}
	}
	_ = wire.KindAck
}
