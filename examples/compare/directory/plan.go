package main

import "time"

// plan is how much is measured.
type plan struct {
	leases    int
	conns     int
	renewers  int     // connections that renew
	renewals  float64 // a second, in the open loop
	lookups   float64 // a second, meanwhile
	honest    int     // connections that renew under the flood
	normal    float64 // renewals a second of all of them
	watchers  int
	arrivals  float64 // claims a second of an ordinary day
	claimants int     // connections that claim names
	filled    int     // registrations of the full table of the comparison
	period    time.Duration
	calm      time.Duration // how long names are claimed as on an ordinary day
	siege     time.Duration // how long the flood lasts
	forgets   time.Duration // how long libp2p remembers a peer that has left
	profiles  string        // a folder; empty: none are taken
}

// full is the plan by default: the targets' own numbers.
func full() plan {
	return plan{
		leases: 100_000,
		conns:  10_000,
		// Some 20 renewals a second are a peer's limit: with 2,000 the server's own
		// limits stay out of reach.
		renewers: 2_000, renewals: 5_000, lookups: 200,
		// 10,000 peers that renew every 20 s renew 500 times a second.
		honest: 1_000, normal: 500,
		// 10,000 peers that come for some hours.
		watchers: 10_000, arrivals: 5,
		claimants: 500, filled: 100_000,
		period: 15 * time.Second,
		calm:   time.Minute,      // of 300 claims the 99th of a hundred is not the longest
		siege:  70 * time.Second, // longer than a lease
		// A minute, and half a minute more until it looks.
		forgets: 100 * time.Second,
	}
}

// What is to be reached.
const (
	leasesMiB     = 100 // above the idle server, for 100,000
	renewalRate   = 5_000
	renewalGoal   = 10_000
	lookupP99     = 10 * time.Millisecond
	connectionKiB = 96
	floodFactor   = 10
	floodSlowdown = 2 // of honest renewals' p99
	// watchedSlowdown is of claims' p99: half of the cores are the watchers' own.
	watchedSlowdown = 2
)

const (
	// workers ask at once in a closed loop: enough to keep two cores busy, few enough
	// that most of a latency is not waiting for a turn.
	workers = 16
	// visitors come at once, each to register over a connection of its own.
	visitors = 32
	// namesEach is the number of names that a server grants one key by default.
	namesEach = 8
	// patience bounds one request, and opening a connection.
	patience = 30 * time.Second
)
