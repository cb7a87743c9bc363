package main

import "fmt"

// renewals measures how many renewals a second the server takes on open connections,
// and how long look-ups take meanwhile.
func renewals(b *bench) error {
	return b.with(Serving{Kind: grapevine}, func(s *site) error {
		renewers, err := s.registered("peer", s.renewers)
		if err != nil {
			return err
		}
		// Enough to stay below one peer's limit of requests.
		askers, err := s.crowd("asker", 1+int(s.lookups)/10)
		if err != nil {
			return err
		}
		load := func(p Pace, profile string) (renewed, looked Timing, cpu float64, err error) {
			before, err := s.cpu()
			if err != nil {
				return renewed, looked, 0, err
			}
			err = s.cpuProfile(profile, func() error {
				return together(
					func() error { return renewers.call("Renew", p, &renewed) },
					func() error {
						return askers.call("Lookup", Lookups{Pace{For: p.For, Rate: s.lookups}, "peer", s.renewers}, &looked)
					})
			})
			if err != nil {
				return renewed, looked, 0, err
			}
			after, err := s.cpu()
			return renewed, looked, float64((after - before).Microseconds()) / float64(max(1, renewed.Count)), err
		}

		renewed, looked, cpu, err := load(Pace{For: s.period}, "renewals-closed")
		if err != nil {
			return err
		}
		s.answered("renewals, closed loop", renewed)
		s.against(fmt.Sprintf("%d/s, goal %d/s", renewalRate, renewalGoal), renewed.PerSecond >= renewalRate && renewed.Failed == 0)
		s.found("server's CPU for each", cpu, "us", "look-ups included")
		s.late("look-ups meanwhile", looked)

		if renewed, looked, _, err = load(Pace{For: s.period, Rate: s.renewals}, "renewals-open"); err != nil {
			return err
		}
		s.answered(fmt.Sprintf("renewals, open loop at %.0f/s", s.renewals), renewed)
		s.against("all answered", renewed.Failed == 0 && renewed.PerSecond >= mostOf*s.renewals)
		s.late("look-ups meanwhile", looked)
		s.against(fmt.Sprintf("under %.0f ms", ms(lookupP99)), looked.P99 < lookupP99 && looked.Failed == 0)
		return nil
	})
}

// mostOf allows for the last answers, which are waited for after the time is over.
const mostOf = 0.98
