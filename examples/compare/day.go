package main

import (
	"math"
	"time"
)

const (
	day = 24 * time.Hour
	// medianSession is the usual length of a session; exponential, so that the mean
	// is longer.
	medianSession = time.Hour
)

// sessions is how many a node has in a day, if it comes back at once.
func sessions() float64 { return day.Hours() * math.Ln2 / medianSession.Hours() }

// fixed is what a node sends in a day when nobody asks anything: upkeep, arrivals
// and departures, and every key published at a session's start and again in time.
func (r result) fixed() float64 { return r.upkeep() + r.churn() + r.publications() }

func (r result) upkeep() float64 {
	bytes := r.IdleBytes * day.Seconds()
	if r.RefreshEvery > 0 {
		bytes += r.RefreshBytes * day.Seconds() / r.RefreshEvery.Seconds()
	}
	return bytes
}

func (r result) churn() float64 {
	return sessions() * max(0, r.ArrivalBytes+r.DepartureBytes)
}

func (r result) publications() float64 {
	times := 1.0
	if r.Renews > 0 {
		// Session k periods long or longer: a geometric series.
		times += 1 / math.Expm1(r.Renews.Hours()*math.Ln2/medianSession.Hours())
	}
	return sessions() * times * r.KeysPerNode * r.Publish.Bytes
}

// total is the same with some look-ups a node and day.
func (r result) total(lookups float64) float64 { return r.fixed() + lookups*r.Before.Each.Bytes }

// even is the number of look-ups a node and day at which two systems cost the same;
// false means that one is always cheaper.
func even(a, b result) (lookups float64, crossing bool) {
	slope := a.Before.Each.Bytes - b.Before.Each.Bytes
	lookups = (b.fixed() - a.fixed()) / slope
	return lookups, lookups > 0 && !math.IsInf(lookups, 0)
}
