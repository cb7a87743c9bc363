package sim

import (
	"runtime"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

func grown(t testing.TB, degree, size int) *Network {
	cfg := DefaultConfig()
	if degree != 0 {
		cfg.Overlay.Degree = degree
	}
	net, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	seeds := net.Grow(3, 0)
	net.Run(time.Second)
	net.Grow(size-3, time.Minute, seeds...)
	net.Run(time.Minute)
	return net
}

func report(t testing.TB, net *Network, what string) {
	v := net.Views()
	c := net.Components()
	t.Logf("%s: t=%v live %d, components %d (largest %d), views %d..%d mean %.2f, one-sided %d",
		what, net.Now(), net.live, len(c), c[0], v.Least, v.Most, v.Mean, v.OneSided)
}

func TestTry(t *testing.T) {
	for _, degree := range []int{5, 24} {
		for _, share := range []float64{0.5, 0.8} {
			start := time.Now()
			net := grown(t, degree, 1000)
			report(t, net, "joined")
			net.Run(30 * time.Second)
			report(t, net, "30 s later")
			s := net.Ask(7, &wire.Query{Key: "x", Max: 1}, 0)
			net.Run(3 * time.Second)
			t.Logf("reach %.4f with %d messages", s.Reach(), s.Messages)
			t.Logf("%+v", net.Stats())
			net.Kill(net.Some(share)...)
			for range 8 {
				net.Run(5 * time.Second)
				report(t, net, "killed")
			}
			s = net.Ask(net.Live()[0], &wire.Query{Key: "x", Max: 1}, 0)
			net.Run(3 * time.Second)
			t.Logf("reach %.4f with %d messages", s.Reach(), s.Messages)
			v := net.Views()
			t.Log(v.Sizes[:50])
			t.Logf("%+v", net.Stats())
			t.Logf("wall %v, %d happenings", time.Since(start), net.Happenings())
			runtime.KeepAlive(net)
		}
	}
}
