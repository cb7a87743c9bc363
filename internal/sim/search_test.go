package sim

import (
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// few is the size of the networks in which every message is looked at.
const few = 120

// sharing returns a settled network of a few nodes whose summaries are where they
// belong.
func sharing(t testing.TB, change func(*Config), then func(*Network)) *Network {
	t.Helper()
	net := grown(t, few, func(cfg *Config) {
		cfg.Overlay.Degree = 8
		cfg.Contents = NewContents(ContentsConfig{Seed: cfg.Seed, Peers: few, Entries: 100, Wanted: 100, Replicas: 3})
		if change != nil {
			change(cfg)
		}
	})
	if then != nil {
		then(net)
	}
	net.ShareAll(5 * time.Second)
	net.Run(20 * time.Second)
	return net
}

// outsider returns an honest live node that is none of the holders of query i.
func outsider(net *Network, i int) int {
	for {
		id := net.random()
		q := net.cfg.Contents.Query(i)
		if !net.Hostile(id) && len(net.index(id, q)) == 0 {
			return id
		}
	}
}

// TestEveryStrategyFinds what is there, and ends.
func TestEveryStrategyFinds(t *testing.T) {
	net := sharing(t, nil, nil)
	for s := overlay.Guided; s <= overlay.RandomWalk; s++ {
		var searches []*Search
		for i := range 20 {
			searches = append(searches, net.Ask(outsider(net, i), net.cfg.Contents.Query(i), AskOptions{Strategy: s}))
			net.Run(time.Second)
		}
		net.Run(overlay.AskWithin + time.Second)
		found, done := 0, 0
		for _, search := range searches {
			if search.Succeeded() {
				found++
			}
			if search.Done {
				done++
			}
			if !search.Over() {
				t.Errorf("%v: a search goes on for ever", s)
			}
		}
		t.Logf("%v: %d of 20 found, %d ended before their time", s, found, done)
		if found < 19 {
			t.Errorf("%v: %d of 20 were found", s, found)
		}
	}
}

// TestCountsEveryMessage: what searches have cost is what the cores have sent.
func TestCountsEveryMessage(t *testing.T) {
	net := sharing(t, func(cfg *Config) { cfg.Loss = 0.02 }, nil)
	sent := func() (n uint64) {
		all := net.Stats()
		for _, k := range []wire.Kind{wire.KindQuery, wire.KindHit, wire.KindAck, wire.KindReport} {
			n += all.Sent[k]
		}
		return n
	}
	before := sent()
	var searches []*Search
	for i := range 50 {
		s := overlay.Strategy(i % int(overlay.RandomWalk+1))
		searches = append(searches, net.Ask(outsider(net, i), net.cfg.Contents.Query(i), AskOptions{Strategy: s, Record: true}))
		net.Run(100 * time.Millisecond)
	}
	net.Run(time.Minute)
	counted := 0
	for _, s := range searches {
		counted += s.Messages
		kinds := 0
		for _, n := range s.ByKind {
			kinds += n
		}
		if kinds != s.Messages || len(s.Path) != s.Messages {
			t.Errorf("%v: %d messages, %d by kind, %d recorded", s.Strategy, s.Messages, kinds, len(s.Path))
		}
	}
	if got := sent() - before; uint64(counted) != got {
		t.Errorf("%d messages were counted, %d sent", counted, got)
	}
}

// TestPathLeadsToTheHit: the messages recorded of a search are a way from the asker to
// the holder and back.
func TestPathLeadsToTheHit(t *testing.T) {
	net := sharing(t, nil, nil)
	for i := range 20 {
		s := net.Ask(outsider(net, i), net.cfg.Contents.Query(i), AskOptions{Record: true})
		net.Run(10 * time.Second)
		if !s.Succeeded() {
			continue
		}
		reached, returned := map[int]bool{s.Asker: true}, false
		for _, m := range s.Path {
			switch m.Kind {
			case wire.KindQuery:
				if !reached[m.From] {
					t.Errorf("node %d passed on what had not come to it", m.From)
				}
				reached[m.To] = true
			case wire.KindHit:
				returned = returned || m.To == s.Asker
			}
		}
		if !reached[s.Hits[0].Holder] || !returned {
			t.Errorf("the path does not lead to node %d and back", s.Hits[0].Holder)
		}
	}
}

// TestCoverage: all of a flood's overlay is within reach of it, and nothing but the
// asker's surroundings of a query that went nowhere.
func TestCoverage(t *testing.T) {
	net := sharing(t, nil, nil)
	flood := net.Ask(0, anything, AskOptions{Strategy: overlay.Flood})
	near := net.Ask(0, anything, AskOptions{Strategy: overlay.Flood, TTL: 1})
	net.Run(3 * time.Second)
	if flood.Coverage() != 1 {
		t.Errorf("a flood covered %.3f", flood.Coverage())
	}
	if got := near.Visited(); got != 1+len(net.Neighbours(0)) {
		t.Errorf("a flood of one link visited %d of %d neighbours", got-1, len(net.Neighbours(0)))
	}
	if c := near.Coverage(); c <= near.Reach() {
		t.Errorf("%.3f covered, %.3f visited", c, near.Reach())
	}
}

// TestNewcomersShare: whoever comes in the course of churn can be found.
func TestNewcomersShare(t *testing.T) {
	net := sharing(t, nil, nil)
	net.Churn(5*time.Minute, 4*time.Minute, 0.5)
	net.Run(6 * time.Minute)
	late, found := 0, 0
	for i := range 100 {
		holders := net.Holders(i)
		for _, id := range holders {
			if id >= few {
				late++
				break
			}
		}
		if len(holders) == 0 {
			continue
		}
		s := net.Ask(outsider(net, i), net.cfg.Contents.Query(i), AskOptions{})
		net.Run(2 * time.Second)
		if s.Succeeded() {
			found++
		} else {
			found--
		}
	}
	if late < 30 {
		t.Errorf("only %d of 100 are held by a newcomer", late)
	}
	if found < 80 {
		t.Errorf("%d more were found than not", found)
	}
}
