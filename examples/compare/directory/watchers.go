package main

import "fmt"

// watchers measures whether those who watch slow those who register: how fast names
// are claimed, as they come on an ordinary day and as fast as they are granted, with
// nobody watching and with many.
func watchers(b *bench) error {
	type claims struct{ ordinary, eager Timing }
	measure := func(s *site, c *claims) error {
		claimants, err := s.crowd("claimant", s.claimants)
		if err != nil {
			return err
		}
		if err := claimants.call("ClaimMore", Pace{For: s.period, Rate: s.arrivals}, &c.ordinary); err != nil {
			return err
		}
		return s.cpuProfile(fmt.Sprintf("watchers-%d", len(s.crowds)-1), func() error {
			return claimants.call("ClaimMore", Pace{For: s.period}, &c.eager)
		})
	}
	var alone, watched claims
	var told Told
	err := b.with(Serving{Kind: grapevine}, func(s *site) error { return measure(s, &alone) })
	if err != nil {
		return err
	}
	err = b.with(Serving{Kind: grapevine}, func(s *site) error {
		audience, err := s.crowd("watcher", s.watchers)
		if err != nil {
			return err
		}
		if err := s.long(audience, "Watch", struct{}{}, &struct{}{}, s.watchers, "watch"); err != nil {
			return err
		}
		if err := measure(s, &watched); err != nil {
			return err
		}
		return audience.call("Told", struct{}{}, &told)
	})
	if err != nil {
		return err
	}
	b.late(fmt.Sprintf("claims at %s/s, nobody watches", number(b.arrivals)), alone.ordinary)
	b.late(fmt.Sprintf("claims at %s/s, %d watch", number(b.arrivals), b.watchers), watched.ordinary)
	limit := watchedSlowdown * alone.ordinary.P99
	b.against(fmt.Sprintf("at most %.2f ms", ms(limit)), watched.ordinary.P99 <= limit)
	b.answered("claims in a closed loop, nobody watches", alone.eager)
	b.answered(fmt.Sprintf("claims in a closed loop, %d watch", b.watchers), watched.eager)
	// The watchers' own process takes one of two cores at least.
	b.against(fmt.Sprintf("%.0f/s, half as many", alone.eager.PerSecond/2), watched.eager.PerSecond >= alone.eager.PerSecond/2)
	claimed, took := watched.ordinary.Count+watched.eager.Count, watched.ordinary.Took+watched.eager.Took
	b.found("changes that watchers heard of meanwhile", float64(told.Changes)/took.Seconds(), "/s",
		fmt.Sprintf("%d of %d; %d times one was told that it lags", told.Changes, claimed*b.watchers, told.Lagged))
	return nil
}
