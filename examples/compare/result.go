package main

import "time"

// result is what was measured of one system. Durations are in nanoseconds in JSON.
type result struct {
	System, About string
	Ours          bool  // Grapevine
	MostConns     int   // of a host, before its connection manager trims
	Before, After phase // of the deaths
	Publish       cost  // of one key at one holder
	KeysPerNode   float64
	Renews        time.Duration // how often a key is published again; 0: never
	State         state
	IdleBytes     float64 // a second and node, without what is published again
	IdleCPU       float64 // seconds a second and node
	ArrivalBytes  float64 // one host that comes costs all together
	// DepartureBytes is what one host that vanishes costs the others.
	DepartureBytes float64
	RefreshBytes   float64 // a node and period
	RefreshEvery   time.Duration
}

// phase is the look-ups at one time.
type phase struct {
	Lookups      int
	Success      float64
	Early        int // look-ups begun in the first five seconds
	EarlySuccess float64
	P50, P95     time.Duration // to the first live holder, of those found
	Each         cost
	Conns        float64          // connections opened for each look-up
	Kinds        map[string]int64 // frames meanwhile, upkeep included, by protocol and first field
}

// cost is what one look-up or publication took of all nodes together.
type cost struct {
	Messages, Bytes float64
	CPU             time.Duration
}

// state is what a node keeps, of everything: host, connections, system.
type state struct {
	Conns      float64
	Goroutines int
	HeapBytes  int64
}
