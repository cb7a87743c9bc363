package main

import (
	"fmt"
	"time"
)

// leases measures what many registrations take: each of a peer of its own, which came
// over a connection of its own and has left.
func leases(b *bench) error {
	// Long, so that none ends before the last is granted.
	return b.with(Serving{Kind: grapevine, Lease: time.Hour, Room: b.leases + namesEach*b.claimants}, func(s *site) error {
		idle, err := s.usage()
		if err != nil {
			return err
		}
		c, err := s.crowd("peer", 0)
		if err != nil {
			return err
		}
		begun := time.Now()
		if err := s.long(c, "Pass", s.visit("peer", s.leases), &struct{}{}, s.leases, "leases"); err != nil {
			return err
		}
		rate := float64(s.leases) / time.Since(begun).Seconds()
		if err := s.untilGone(); err != nil {
			return err
		}
		fresh, err := s.usage()
		if err != nil {
			return err
		}
		if err := s.heapProfile("leases-fresh"); err != nil {
			return err
		}
		s.say("waiting %v for libp2p to forget the peers", s.forgets)
		select {
		case <-time.After(s.forgets):
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		full, err := s.usage()
		if err != nil {
			return err
		}
		var live int
		if err := s.server.call("Registered", struct{}{}, &live); err != nil {
			return err
		}
		if live != s.leases {
			return fmt.Errorf("%d of %d leases are live", live, s.leases)
		}
		bound := leasesMiB * float64(s.leases) / 100_000
		target := fmt.Sprintf("at most %s MiB", number(bound))
		heap, own := mib(full.Heap-idle.Heap), mib(full.Own-idle.Own)
		s.found("idle server, RSS", mib(idle.RSS), "MiB",
			fmt.Sprintf("heap %.1f MiB, pages of files %.1f MiB", mib(idle.Heap), mib(idle.File)))
		s.found(fmt.Sprintf("%d leases, heap", s.leases), heap, "MiB",
			fmt.Sprintf("%.0f B each; registered at %.0f/s", float64(full.Heap-idle.Heap)/float64(s.leases), rate))
		s.against(target, heap <= bound)
		s.found(fmt.Sprintf("%d leases, RSS of the process's own", s.leases), own, "MiB",
			fmt.Sprintf("%.1f MiB of it between objects", mib(full.Gaps-idle.Gaps)))
		s.against(target, own <= bound)
		s.found(fmt.Sprintf("%d leases, RSS with pages of files", s.leases), mib(full.RSS-idle.RSS), "MiB",
			fmt.Sprintf("%.1f MiB of it are such pages", mib(full.File-idle.File)))
		s.found("just after the last has left, heap", mib(fresh.Heap-idle.Heap), "MiB",
			fmt.Sprintf("RSS %.1f MiB, %.1f MiB of them the process's own; libp2p still remembers the peers",
				mib(fresh.RSS-idle.RSS), mib(fresh.Own-idle.Own)))
		if err := s.heapProfile("leases"); err != nil {
			return err
		}
		return s.claim(fmt.Sprintf("with %d there", s.leases), "claimant")
	})
}

// untilGone waits until the server's connections are closed.
func (s *site) untilGone() error {
	for {
		u, err := s.usage()
		if err != nil || u.Conns == 0 {
			return err
		}
		select {
		case <-time.After(time.Second):
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
}

// connections measures what open connections take, each with a lease that it renews.
func connections(b *bench) error {
	return b.with(Serving{Kind: grapevine, Lease: time.Hour}, func(s *site) error {
		idle, err := s.usage()
		if err != nil {
			return err
		}
		begun := time.Now()
		c, err := s.crowd("peer", s.conns)
		if err != nil {
			return err
		}
		took := time.Since(begun)
		bare, err := s.usage()
		if err != nil {
			return err
		}
		if err := s.long(c, "Claim", struct{}{}, &struct{}{}, s.conns, "registered"); err != nil {
			return err
		}
		var renewed Timing
		if err := c.call("Renew", Pace{For: s.period, Rate: float64(s.conns) / 20}, &renewed); err != nil {
			return err
		}
		full, err := s.usage()
		if err != nil {
			return err
		}
		if full.Conns != s.conns {
			return fmt.Errorf("%d of %d connections are open", full.Conns, s.conns)
		}
		each := func(u Usage) (heap, stacks, rss float64) {
			n := float64(s.conns)
			return kib(u.Heap-idle.Heap) / n, kib(u.Stacks-idle.Stacks) / n, kib(u.RSS-idle.RSS) / n
		}
		heap, stacks, rss := each(full)
		s.found(fmt.Sprintf("%d connections with a lease, RSS each", s.conns), rss, "KiB",
			fmt.Sprintf("heap %.1f KiB, stacks %.1f KiB, %.1f goroutines; opened at %.0f/s", heap, stacks,
				float64(full.Goroutines-idle.Goroutines)/float64(s.conns), float64(s.conns)/took.Seconds()))
		s.against(fmt.Sprintf("at most %d KiB", connectionKiB), rss <= connectionKiB)
		heap, stacks, rss = each(bare)
		s.found("with a stream and no lease, RSS each", rss, "KiB", fmt.Sprintf("heap %.1f KiB, stacks %.1f KiB", heap, stacks))
		s.answered("renewals every 20 s of each", renewed)
		return s.heapProfile("connections")
	})
}
