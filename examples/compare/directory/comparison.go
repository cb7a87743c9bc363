package main

import "fmt"

// comparison puts the same loads to Grapevine and to go-libp2p-rendezvous.
func comparison(b *bench) error {
	for _, c := range []struct {
		about          string
		served, spoken string
		filled         int
	}{
		{"Grapevine", grapevine, grapevine, 0},
		{"Grapevine's rendezvous", grapevine, waku, 0},
		{"go-libp2p-rendezvous", waku, waku, 0},
		{fmt.Sprintf("go-libp2p-rendezvous with %d there", b.filled), waku, waku, b.filled},
	} {
		err := b.with(Serving{Kind: c.served, Filled: c.filled}, func(s *site) error {
			idle, err := s.usage()
			if err != nil {
				return err
			}
			s.kind = c.spoken
			if err := s.claim(c.about, "claimant"); err != nil {
				return err
			}
			if c.served == waku {
				s.found(c.about+": RSS without connections", mib(idle.RSS), "MiB", "the rest is in its file")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// claim lets peers register, renew and find each other as fast as they are answered.
func (s *site) claim(about, prefix string) error {
	claimants, err := s.registered(prefix, s.claimants)
	if err != nil {
		return err
	}
	var claimed, renewed, found Timing
	for _, load := range []struct {
		method string
		timing *Timing
	}{{"ClaimMore", &claimed}, {"Renew", &renewed}, {"Find", &found}} {
		if err := claimants.call(load.method, Pace{For: s.period}, load.timing); err != nil {
			return err
		}
	}
	s.answered(about+": register", claimed)
	s.answered(about+": renew", renewed)
	s.answered(fmt.Sprintf("%s: find %d peers", about, foundAtOnce), found)
	return nil
}
