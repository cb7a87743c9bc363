package sim

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Config is what a simulated network is made of.
type Config struct {
	Seed    uint64
	Overlay overlay.Config // of every node

	// Latency is how long a message takes from one node to the other. nil:
	// nodes lie on a square, and half of all pairs are within MedianRTT.
	Latency   func(from, to int) time.Duration
	MedianRTT time.Duration
	// Jitter is the part of a latency by which it varies, from 0 to 1. Messages
	// of one link stay in order.
	Jitter float64
	// Loss is the share of messages that vanish. A real link would send them
	// again: this is harder on the protocol than a network is.
	Loss float64

	// ConnectTimeout is when a dial to a dead or cut-off node fails.
	ConnectTimeout time.Duration

	// Contents is what the nodes share, and answer queries from. nil: nothing, but
	// for what Index answers.
	Contents *Contents
	// Index is what a node answers queries from without Contents.
	Index func(node int, q *wire.Query) []wire.Item
}

// DefaultConfig returns a network without faults: 80 ms of median round trip, as
// measured between hosts on the internet (King data set, Gummadi et al. 2002).
func DefaultConfig() Config {
	return Config{
		Seed:           1,
		Overlay:        overlay.DefaultConfig(),
		MedianRTT:      80 * time.Millisecond,
		Jitter:         0.1,
		ConnectTimeout: 5 * time.Second,
	}
}
