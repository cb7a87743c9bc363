package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/grapevine-p2p/grapevine/bootstrap"
)

// limits are those of bootstrap.Limits that an operator would set. Zero is the
// default.
type limits struct {
	MaxRegistrations int     `help:"Live registrations; 100,000 by default." placeholder:"N"`
	MaxNamesPerPeer  int     `help:"Names of one peer; 8 by default." placeholder:"N"`
	MaxStreams       int     `help:"Open streams; 20,000 by default." placeholder:"N"`
	MaxWatchers      int     `help:"Peers that are told of each change; 10,000 by default." placeholder:"N"`
	RequestsPerPeer  float64 `help:"Requests a second of one peer; 20 by default." placeholder:"N"`
	ClaimsPerIP      float64 `name:"claims-per-ip" help:"Registrations and removals a second from one public IP address; 2 by default." placeholder:"N"`
}

// directory checks them.
func (l limits) directory() (bootstrap.Limits, error) {
	var errs []error
	for flag, value := range map[string]float64{
		"max-registrations": float64(l.MaxRegistrations), "max-names-per-peer": float64(l.MaxNamesPerPeer),
		"max-streams": float64(l.MaxStreams), "max-watchers": float64(l.MaxWatchers),
		"requests-per-peer": l.RequestsPerPeer, "claims-per-ip": l.ClaimsPerIP,
	} {
		if !(value >= 0) { // nor not a number
			errs = append(errs, fmt.Errorf("--%s: %v is below zero", flag, value))
		}
	}
	return bootstrap.Limits{
		Registrations: l.MaxRegistrations, RegistrationsPerPeer: l.MaxNamesPerPeer,
		Streams: l.MaxStreams, Watchers: l.MaxWatchers,
		RequestsPerPeer: l.RequestsPerPeer, ClaimsPerIP: l.ClaimsPerIP,
	}, errors.Join(errs...)
}

// span is a time that may be given in days.
type span time.Duration

const day = 24 * time.Hour

// maxSpan keeps arithmetic with it far from its ends.
const maxSpan = 10 * 365 * day

// UnmarshalText reads 7d, or what time.ParseDuration reads.
func (s *span) UnmarshalText(text []byte) error {
	days, isDays := strings.CutSuffix(string(text), "d")
	d, err := time.ParseDuration(string(text))
	if isDays {
		var n uint64
		n, err = strconv.ParseUint(days, 10, 12)
		d = time.Duration(n) * day
	}
	if err != nil || d < 0 || d > maxSpan {
		return fmt.Errorf("%q is not a time such as 7d or 12h, of at most %dd", text, maxSpan/day)
	}
	*s = span(d)
	return nil
}

// duration is the time as bootstrap.Server takes it, where zero is the default and
// below zero is none.
func (s span) duration() time.Duration {
	if s == 0 {
		return -1
	}
	return time.Duration(s)
}
