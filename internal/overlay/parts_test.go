package overlay

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"no degree":         func(cfg *Config) { cfg.Degree = 0 },
		"too many links":    func(cfg *Config) { cfg.Degree = MaxRelays + 1 },
		"max below degree":  func(cfg *Config) { cfg.MaxDegree = 3 },
		"no cache":          func(cfg *Config) { cfg.CacheSize = 0 },
		"no pings":          func(cfg *Config) { cfg.PingEvery = 0 },
		"a large shuffle":   func(cfg *Config) { cfg.ShuffleActive = 8 },
		"a negative sample": func(cfg *Config) { cfg.ShufflePassive = -1 },
		"TTL 0":             func(cfg *Config) { cfg.QueryTTL = 0 },
		"TTL 8":             func(cfg *Config) { cfg.QueryTTL = 8 },
		"no queries":        func(cfg *Config) { cfg.QueryRate = 0 },
		"the zero Config":   func(cfg *Config) { *cfg = Config{} },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := DefaultConfig()
			change(&cfg)
			if _, err := New(cfg, "me", rand.New(rand.NewPCG(1, 1))); !errors.Is(err, ErrConfig) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAccepted(t *testing.T) {
	for _, tt := range []struct{ degree, max, want int }{
		{24, 0, 27}, {5, 0, 5}, {1, 0, 1}, {6, 0, 6}, {8, 0, 9}, {24, 24, 24}, {44, 0, MaxRelays}, {48, 0, MaxRelays},
	} {
		if got := (Config{Degree: tt.degree, MaxDegree: tt.max}).Accepted(); got != tt.want {
			t.Errorf("degree %d, max %d: accepts %d, want %d", tt.degree, tt.max, got, tt.want)
		}
	}
}

func TestBucket(t *testing.T) {
	const ms = time.Millisecond
	ten := limit{100 * ms, 5}
	b := ten.full(0)
	for _, step := range []struct {
		now  instant
		keep int
		want bool
		used int
	}{
		{0, 0, true, 1},
		{0, 3, true, 2}, // four are left, one more than kept
		{0, 3, false, 2},
		{0, 0, true, 3},
		{0, 0, true, 4},
		{0, 0, true, 5},
		{0, 0, false, 5},
		{99 * ms, 0, false, 5},
		{100 * ms, 0, true, 5},
		{time.Hour, 0, true, 1}, // never more than the burst
		{time.Hour, 4, false, 1},
	} {
		if got := b.take(step.now, ten, step.keep); got != step.want {
			t.Errorf("at %v, keeping %d: %v", step.now, step.keep, got)
		}
		if got := b.used(step.now, ten); got != step.used {
			t.Errorf("at %v: %d used, want %d", step.now, got, step.used)
		}
	}
}

func TestAging(t *testing.T) {
	a := newAging[int, string](4, time.Minute)
	has := func(now instant, k int) bool { return a.find(now, k) != nil }
	a.add(0, 1, "one")
	a.add(0, 2, "two")
	*a.find(0, 1) = "uno"
	a.add(0, 3, "three") // the young generation was full: 1 and 2 are old now
	if got := a.find(0, 1); got == nil || *got != "uno" {
		t.Errorf("found %v", got)
	}
	a.add(0, 4, "four")
	a.add(0, 5, "five") // 1 and 2 are gone
	if has(0, 1) || has(0, 2) || !has(0, 3) || !has(0, 4) || !has(0, 5) || a.len() != 3 {
		t.Errorf("the wrong entries are left: %d", a.len())
	}
	if !has(29*time.Second, 5) || !has(30*time.Second, 5) {
		t.Error("5 is gone before half of its life")
	}
	if has(60*time.Second, 5) || a.len() != 0 {
		t.Error("5 is there after its life")
	}
	a.add(2*time.Minute, 6, "six")
	if has(4*time.Minute, 6) {
		t.Error("6 outlived an idle time")
	}
}

func TestCacheMakesRoom(t *testing.T) {
	filled := func(failed, unproven, proven int) *Core {
		core, err := New(DefaultConfig(), "me", rand.New(rand.NewPCG(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		core.cfg.CacheSize = failed + unproven + proven
		for i := range core.cfg.CacheSize {
			e := entry{contact: wire.Contact{Peer: wire.PeerID(rune('A' + i))}}
			if i < failed {
				e.fails = 1
			}
			e.proven = i < failed || i >= failed+unproven
			core.cache.entries = append(core.cache.entries, e)
		}
		return core
	}
	count := func(c *Core) (failed, unproven, proven int) {
		for _, e := range c.cache.entries {
			switch {
			case e.fails > 0:
				failed++
			case e.proven:
				proven++
			default:
				unproven++
			}
		}
		return failed, unproven, proven
	}
	for _, tt := range []struct {
		name                     string
		failed, unproven, proven int
		give                     wire.PeerID
		wantFailed, wantProven   int
	}{
		{"too many failed", 4, 4, 4, "L", 3, 4},
		{"a few failed are kept", 2, 4, 6, "L", 2, 5},
		{"the unverified do not crowd out the verified", 0, 7, 5, "L", 0, 5},
		{"what was given goes", 0, 2, 10, "L", 0, 9},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := filled(tt.failed, tt.unproven, tt.proven)
			if !c.keep(wire.Contact{Peer: "new"}, false, tt.give) {
				t.Fatal("not kept")
			}
			if f, _, p := count(c); f != tt.wantFailed || p != tt.wantProven {
				t.Errorf("left %d failed and %d verified, want %d and %d", f, p, tt.wantFailed, tt.wantProven)
			}
			if c.keep(wire.Contact{Peer: "new"}, false) {
				t.Error("new twice")
			}
		})
	}
}

// TestTimeGoesForwards: a clock that jumps back, or a driver that mixes instants
// up, must not upset the core.
func TestTimeGoesForwards(t *testing.T) {
	r := newRelay(t, 3)
	r.now = r.now.Add(time.Minute)
	r.core.Handle(r.now, Event{Kind: Tick})
	r.now = r.now.Add(-time.Hour)
	r.core.Handle(r.now, Event{Kind: Tick})
	if next := r.core.Next(); next.Before(r.now.Add(time.Hour)) {
		t.Errorf("the next tick is in the past: %v", next)
	}
}
