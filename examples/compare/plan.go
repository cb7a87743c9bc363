package main

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"slices"
	"time"
)

// plan is what is done to each system.
type plan struct {
	hosts, lookups, holders int
	newcomers               int // that arrive, and vanish, to measure what that costs
	seed                    int64
	deaths, rate            float64
	oneWay, watch           time.Duration
	patience                time.Duration // of one look-up
}

func (p plan) check() error {
	switch {
	case p.hosts < p.holders+2 || p.holders < 1 || p.lookups < 1:
		return errors.New("want a look-up, a holder and more hosts than holders and an asker")
	case p.deaths < 0 || p.deaths >= 1 || p.rate <= 0 || p.watch <= 0 || p.oneWay < 0:
		return errors.New("want a share of deaths below 1, a rate and a time to watch above 0")
	}
	return nil
}

// key is what is published and looked up.
type key [sha256.Size]byte

// task is a key with its holders and who looks it up: indices of hosts.
type task struct {
	key     key
	holders []int
	asker   int
}

// rng draws for one purpose, the same for each system.
func (p plan) rng(purpose uint64) *rand.Rand {
	return rand.New(rand.NewPCG(uint64(p.seed), purpose))
}

// What random numbers are drawn for.
const (
	forTasks uint64 = iota
	forDeaths
	forAskers
	forGraph
	forIdentities
)

func (p plan) tasks() []task {
	rng := p.rng(forTasks)
	all := make([]task, p.lookups)
	for i := range all {
		var seed [16]byte
		binary.BigEndian.PutUint64(seed[:], uint64(p.seed))
		binary.BigEndian.PutUint64(seed[8:], uint64(i))
		drawn := rng.Perm(p.hosts)[:p.holders+1]
		all[i] = task{sha256.Sum256(seed[:]), drawn[:p.holders], drawn[p.holders]}
	}
	return all
}

// dying are the hosts that die at once.
func (p plan) dying() []int {
	return p.rng(forDeaths).Perm(p.hosts)[:int(p.deaths*float64(p.hosts))]
}

// survivors are the tasks with a live holder; where the asker died, another asks.
func (p plan) survivors(tasks []task, dead []int) []task {
	rng := p.rng(forAskers)
	gone := func(i int) bool { return slices.Contains(dead, i) }
	var left []task
	for _, t := range tasks {
		if !slices.ContainsFunc(t.holders, func(h int) bool { return !gone(h) }) {
			continue
		}
		for gone(t.asker) || slices.Contains(t.holders, t.asker) {
			t.asker = rng.IntN(p.hosts)
		}
		left = append(left, t)
	}
	return left
}
