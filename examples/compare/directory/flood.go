package main

import "fmt"

// flood measures what ten times the normal load does to honest renewals when it is
// hostile.
func flood(b *bench) error {
	return b.with(Serving{Kind: grapevine}, func(s *site) error {
		honest, err := s.registered("honest", s.honest)
		if err != nil {
			return err
		}
		// Each asks as often as one peer may; more of them would be a larger flood.
		rate := floodFactor * s.normal
		many, err := s.crowd("hostile", 1+int(rate)/15)
		if err != nil {
			return err
		}
		one, err := s.crowd("greedy", 1)
		if err != nil {
			return err
		}
		var idle, besieged Timing
		if err := honest.call("Renew", Pace{For: s.period, Rate: s.normal}, &idle); err != nil {
			return err
		}
		s.answered(fmt.Sprintf("honest renewals at %.0f/s, no flood", s.normal), idle)
		var attacked Attacked
		var pressed Pressed
		err = s.cpuProfile("flood", func() error {
			return together(
				func() error { return honest.call("Renew", Pace{For: s.siege, Rate: s.normal}, &besieged) },
				func() error { return many.call("Attack", Pace{For: s.siege, Rate: rate}, &attacked) },
				func() error { return one.call("Press", Pace{For: s.siege}, &pressed) })
		})
		if err != nil {
			return err
		}
		s.answered("hostile requests of many identities", attacked.Timing)
		s.found("look-ups answered to one that asks at full speed", float64(pressed.Answered)/s.siege.Seconds(), "/s",
			fmt.Sprintf("%d sent, %d refused", pressed.Sent, pressed.Refused))
		limit := floodSlowdown * idle.P99
		s.late("honest renewals under the flood", besieged)
		s.against(fmt.Sprintf("at most %.2f ms", ms(limit)), besieged.P99 <= limit)
		var live int
		if err := s.server.call("Registered", struct{}{}, &live); err != nil {
			return err
		}
		lost := s.honest - live + besieged.Failed
		s.found("honest leases lost, and renewals refused", float64(lost), "", besieged.Failure)
		s.against("none", lost == 0)
		return nil
	})
}
