package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/grapevine-p2p/grapevine/bootstrap"
)

// limits are those of bootstrap.Limits that an operator would set. Zero is the
// default.
type limits struct {
	MaxMemory                 int     `help:"Memory for registrations in MiB; 100 by default." placeholder:"MIB"`
	MaxRegistrations          int     `help:"Live registrations; as many as fit the memory by default, 102,400." placeholder:"N"`
	MaxRegistrationsPerIP     int     `name:"max-registrations-per-ip" help:"Live registrations from one public IP address; 1,024 by default." placeholder:"N"`
	MaxRegistrationsPerSubnet int     `help:"Live registrations from one public subnet (/24, or IPv6 /48); 4,096 by default." placeholder:"N"`
	MaxNames                  int     `help:"Names held, those of silent peers included; 100,000 by default." placeholder:"N"`
	MaxNamesPerPeer           int     `help:"Names of one peer; 8 by default." placeholder:"N"`
	MaxStreams                int     `help:"Open streams; 20,000 by default." placeholder:"N"`
	MaxWatchers               int     `help:"Peers that are told of each change; 10,000 by default." placeholder:"N"`
	RequestsPerPeer           float64 `help:"Requests a second of one peer; 20 by default." placeholder:"N"`
	RequestsPerIP             float64 `name:"requests-per-ip" help:"Requests a second from one public IP address; 200 by default." placeholder:"N"`
	RequestsPerSubnet         float64 `help:"Requests a second from one public subnet; 1,000 by default." placeholder:"N"`
	ClaimsPerIP               float64 `name:"claims-per-ip" help:"Registrations and removals a second from one public IP address; 2 by default." placeholder:"N"`
	ClaimsPerSubnet           float64 `help:"Registrations and removals a second from one public subnet; 10 by default." placeholder:"N"`
	NamesPerIP                float64 `name:"names-per-ip" help:"Free names claimed a day from one public IP address; 256 by default." placeholder:"N"`
	NamesPerSubnet            float64 `help:"Free names claimed a day from one public subnet; 1,024 by default." placeholder:"N"`
}

// maxMiB keeps a number of bytes far from its end.
const maxMiB = 1 << 20

// check refuses what is no limit.
func (l limits) check() error {
	for _, of := range []struct {
		flag string
		n    float64
	}{
		{"max-memory", float64(l.MaxMemory)},
		{"max-registrations", float64(l.MaxRegistrations)},
		{"max-registrations-per-ip", float64(l.MaxRegistrationsPerIP)},
		{"max-registrations-per-subnet", float64(l.MaxRegistrationsPerSubnet)},
		{"max-names", float64(l.MaxNames)},
		{"max-names-per-peer", float64(l.MaxNamesPerPeer)},
		{"max-streams", float64(l.MaxStreams)},
		{"max-watchers", float64(l.MaxWatchers)},
		{"requests-per-peer", l.RequestsPerPeer},
		{"requests-per-ip", l.RequestsPerIP},
		{"requests-per-subnet", l.RequestsPerSubnet},
		{"claims-per-ip", l.ClaimsPerIP},
		{"claims-per-subnet", l.ClaimsPerSubnet},
		{"names-per-ip", l.NamesPerIP},
		{"names-per-subnet", l.NamesPerSubnet},
	} {
		if !(of.n >= 0 && of.n <= math.MaxInt32) { // nor not a number
			return fmt.Errorf("--%s: %v is no limit; leave it out for the default", of.flag, of.n)
		}
	}
	if l.MaxMemory > maxMiB {
		return fmt.Errorf("--max-memory: %d MiB is more than %d", l.MaxMemory, maxMiB)
	}
	return nil
}

// directory is what they are to the server.
func (l limits) directory() bootstrap.Limits {
	return bootstrap.Limits{
		Memory:        l.MaxMemory << 20,
		Registrations: l.MaxRegistrations, RegistrationsPerPeer: l.MaxNamesPerPeer,
		RegistrationsPerIP: l.MaxRegistrationsPerIP, RegistrationsPerSubnet: l.MaxRegistrationsPerSubnet,
		Names: l.MaxNames, Streams: l.MaxStreams, Watchers: l.MaxWatchers,
		RequestsPerPeer: l.RequestsPerPeer, RequestsPerIP: l.RequestsPerIP, RequestsPerSubnet: l.RequestsPerSubnet,
		ClaimsPerIP: l.ClaimsPerIP, ClaimsPerSubnet: l.ClaimsPerSubnet,
		NamesPerIP: l.NamesPerIP, NamesPerSubnet: l.NamesPerSubnet,
	}
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
