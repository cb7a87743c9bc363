package sim

import (
	"slices"
	"testing"
	"time"
)

func TestKademlia(t *testing.T) {
	net := grown(t, many, func(cfg *Config) { cfg.Overlay.Degree = 5 })
	k := NewKademlia(net)
	for place := range 20 {
		contacts := k.table(place)
		if slices.Contains(contacts, place) || len(contacts) < KademliaBucket {
			t.Errorf("a table of %d contacts, itself among them: %v", len(contacts), slices.Contains(contacts, place))
		}
		slices.Sort(contacts)
		if len(slices.Compact(slices.Clone(contacts))) != len(contacts) {
			t.Error("a contact is there twice")
		}
	}
	measure := func() (found, messages int, took time.Duration) {
		for i := range 200 {
			l := k.Find(net.Live()[i%len(net.Live())], net.rng.Uint64())
			if l.Found {
				found++
			}
			messages += l.Messages
			took += l.Took
		}
		return found, messages, took
	}
	found, messages, took := measure()
	t.Logf("%d of 200 found, %.1f messages, %v", found, float64(messages)/200, took/200)
	if found != 200 {
		t.Errorf("%d of 200 were found where all is perfect", found)
	}
	if mean := float64(messages) / 200; mean < 2 || mean > 30 {
		t.Errorf("%.1f messages a look-up", mean)
	}
	net.Kill(net.Some(0.5)...)
	found, _, slower := measure()
	t.Logf("half dead: %d of 200 found, %v", found, slower/200)
	if slower <= took || found < 150 {
		t.Errorf("%d found in %v when half were dead, %v before", found, slower, took)
	}
}

// TestKademliaConfirmed: the providers are asked in turn until one answers.
func TestKademliaConfirmed(t *testing.T) {
	net := grown(t, 100, func(cfg *Config) { cfg.Overlay.Degree = 5 })
	k := NewKademlia(net)
	live := net.Live()
	asker, gone, there := live[0], live[1], live[2]
	key := net.rng.Uint64()
	net.Kill(gone)
	plain := k.Find(asker, key)
	for _, c := range []struct {
		providers []int
		found     bool
		messages  int
		least     time.Duration
	}{
		{[]int{there}, true, 2, time.Millisecond},
		{[]int{gone, there}, true, 3, net.cfg.ConnectTimeout},
		{[]int{gone}, false, 1, net.cfg.ConnectTimeout},
	} {
		l := k.Confirmed(asker, key, c.providers)
		if l.Found != c.found || l.Messages != plain.Messages+c.messages || l.Took < plain.Took+c.least {
			t.Errorf("%v: %+v, without asking them %+v", c.providers, l, plain)
		}
	}
}

func TestKademliaClosest(t *testing.T) {
	net := grown(t, 100, func(cfg *Config) { cfg.Overlay.Degree = 5 })
	k := NewKademlia(net)
	for range 100 {
		key := net.rng.Uint64()
		all := make([]int, len(k.ids))
		for i := range all {
			all[i] = i
		}
		want := k.sorted(all, key)[:KademliaBucket]
		if got := k.closest(nil, key); !slices.Equal(got, want) {
			t.Fatalf("closest to %x: %v, want %v", key, got, want)
		}
	}
}
