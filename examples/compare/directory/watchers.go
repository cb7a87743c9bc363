package main

import (
	"fmt"
	"time"
)

// watchers measures whether those who watch slow those who register: how fast names
// are claimed, as they come on an ordinary day and as fast as they are granted, with
// nobody watching and with many; and how late the many hear of it.
func watchers(b *bench) error {
	type claims struct {
		ordinary, eager         Timing
		ordinaryNews, eagerNews time.Duration
	}
	measure := func(s *site, c *claims, audience *child) error {
		claimants, err := s.crowd("claimant", s.claimants)
		if err != nil {
			return err
		}
		if err := claimants.call("ClaimMore", Pace{For: s.calm, Rate: s.arrivals}, &c.ordinary); err != nil {
			return err
		}
		if c.ordinaryNews, err = s.news(audience, c.ordinary.Count); err != nil {
			return err
		}
		err = s.cpuProfile(fmt.Sprintf("watchers-%d", len(s.crowds)-1), func() error {
			return claimants.call("ClaimMore", Pace{For: s.period}, &c.eager)
		})
		if err != nil {
			return err
		}
		c.eagerNews, err = s.news(audience, c.ordinary.Count+c.eager.Count)
		return err
	}
	lasting := Serving{Kind: grapevine, Lease: time.Hour} // or the ends of leases are news as well
	var alone, watched claims
	var told Told
	err := b.with(lasting, func(s *site) error { return measure(s, &alone, nil) })
	if err != nil {
		return err
	}
	err = b.with(lasting, func(s *site) error {
		audience, err := s.crowd("watcher", s.watchers)
		if err != nil {
			return err
		}
		if err := s.long(audience, "Watch", struct{}{}, &struct{}{}, s.watchers, "watch"); err != nil {
			return err
		}
		if err := measure(s, &watched, audience); err != nil {
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
	b.found("after the last of them, until all have heard of all", watched.ordinaryNews.Seconds(), "s", "")
	b.answered("claims in a closed loop, nobody watches", alone.eager)
	b.answered(fmt.Sprintf("claims in a closed loop, %d watch", b.watchers), watched.eager)
	// The watchers' own process takes one of two cores at least.
	b.against(fmt.Sprintf("%.0f/s, half as many", alone.eager.PerSecond/2), watched.eager.PerSecond >= alone.eager.PerSecond/2)
	b.found("after the last of them, until all have heard of all", watched.eagerNews.Seconds(), "s",
		fmt.Sprintf("%d of %d changes; %d times one was told that it lags", told.Changes,
			(watched.ordinary.Count+watched.eager.Count)*b.watchers, told.Lagged))
	return nil
}

// news returns in how long an audience has heard of so many claims, all of it, unless
// somebody lagged and got a list instead.
func (s *site) news(audience *child, claims int) (time.Duration, error) {
	if audience == nil {
		return 0, nil
	}
	began := time.Now()
	tick := time.NewTicker(newsLook)
	defer tick.Stop()
	for {
		var told Told
		if err := audience.call("Told", struct{}{}, &told); err != nil {
			return 0, err
		}
		took := time.Since(began)
		if told.Changes >= int64(claims*s.watchers) || told.Lagged > 0 || took > newsPatience {
			return took, nil
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		}
	}
}

const (
	// newsLook is how often one looks whether all have heard, and newsPatience how
	// long: all that is claimed in a closed loop, told to ten thousand, is some
	// 10 GiB.
	newsLook     = 50 * time.Millisecond
	newsPatience = 5 * time.Minute
)
