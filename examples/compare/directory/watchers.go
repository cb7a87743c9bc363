package main

import "fmt"

// watchers measures whether those who watch slow those who register: how fast names
// are claimed, with nobody watching and with many.
func watchers(b *bench) error {
	var alone, watched Timing
	var told Told
	err := b.with(Serving{Kind: grapevine}, func(s *site) error {
		claimants, err := s.crowd("claimant", s.claimants)
		if err != nil {
			return err
		}
		return claimants.call("ClaimMore", Pace{For: s.period}, &alone)
	})
	if err != nil {
		return err
	}
	err = b.with(Serving{Kind: grapevine}, func(s *site) error {
		claimants, err := s.crowd("claimant", s.claimants)
		if err != nil {
			return err
		}
		audience, err := s.crowd("watcher", s.watchers)
		if err != nil {
			return err
		}
		if err := s.long(audience, "Watch", struct{}{}, &struct{}{}, s.watchers, "watch"); err != nil {
			return err
		}
		err = s.cpuProfile("watchers", func() error { return claimants.call("ClaimMore", Pace{For: s.period}, &watched) })
		if err != nil {
			return err
		}
		return audience.call("Told", struct{}{}, &told)
	})
	if err != nil {
		return err
	}
	b.answered("names claimed, nobody watches", alone)
	b.answered(fmt.Sprintf("names claimed, %d watch", b.watchers), watched)
	// The watchers' own process takes one of two cores at least.
	b.against(fmt.Sprintf("%.0f/s, half as many", alone.PerSecond/2), watched.PerSecond >= alone.PerSecond/2)
	b.found("changes that watchers heard of meanwhile", float64(told.Changes)/watched.Took.Seconds(), "/s",
		fmt.Sprintf("%d of %d; %d times one was told that it lags", told.Changes, watched.Count*b.watchers, told.Lagged))
	return nil
}
