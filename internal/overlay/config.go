package overlay

import (
	"errors"
	"fmt"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// ErrConfig is returned for a configuration that cannot work.
var ErrConfig = errors.New("bad overlay configuration")

// Config is what may differ between nodes. Start from [DefaultConfig].
type Config struct {
	// Degree is how many neighbours the node has in the mean: above 5 it seeks
	// more below five sixths of it, and accepts an eighth more. 24: with fewer,
	// too little is known within two links to guide queries by; simulated.
	Degree int
	// MaxDegree, if it is not 0, is how many neighbours the node accepts; then it
	// seeks Degree.
	MaxDegree int

	JoinTTL    uint8 // links a forward-join walks: 6 (HyParView's ARWL, section 5)
	PassiveTTL uint8 // links left where a walk is noted in the host cache: 3 (PRWL)

	// CacheSize is the number of contacts in the host cache: 120, four times
	// HyParView's passive view, for most of them may die at once.
	CacheSize int

	ShuffleEvery   time.Duration // 30 s: the cache is renewed in some ten minutes
	ShuffleActive  int           // neighbours in a shuffle: 3 (HyParView's ka)
	ShufflePassive int           // contacts of the cache in a shuffle: 4 (kp)
	ShuffleTTL     uint8         // links a shuffle walks: 6, as a join

	// PingEvery is the silence after which a neighbour is asked, PingTimeout when
	// that counts as a miss, and PingMisses of them end the link. 5 s, 3 s and 2
	// notice a silent death after 6 to 15 s.
	PingEvery   time.Duration
	PingTimeout time.Duration
	PingMisses  int

	// ProbeEvery is the pause between two probes of unverified or failed
	// contacts: 3 s, a guess; a full cache is gone through in six minutes.
	ProbeEvery time.Duration

	QueryTTL   uint8 // of own queries, and the most accepted: 7 (Gnutella 0.6)
	QueryRate  int   // queries a second over one link: 10, more than a person asks
	QueryBurst int   // and at once: 50

	// Leaf: the node relays nothing, and keeps LeafDegree links to peers that do.
	Leaf bool

	// Sign signs the node's summary, which comes out as that filter; Prove tells
	// whether a summary's origin signed it. nil: nothing is signed.
	Sign  func(*wire.Summary, *summary.Filter) []byte
	Prove func(*wire.Summary, *summary.Filter) bool

	// Group names the part of the network that a contact's addresses belong
	// to, of which only a few may be neighbours. "" is exempt. nil: all are.
	Group func(wire.Contact) string
}

// DefaultConfig returns the defaults of a node that others can reach.
func DefaultConfig() Config {
	return Config{
		Degree:         24,
		JoinTTL:        6,
		PassiveTTL:     3,
		CacheSize:      120,
		ShuffleEvery:   30 * time.Second,
		ShuffleActive:  3,
		ShufflePassive: 4,
		ShuffleTTL:     6,
		PingEvery:      5 * time.Second,
		PingTimeout:    3 * time.Second,
		PingMisses:     2,
		ProbeEvery:     3 * time.Second,
		QueryTTL:       MaxTTL,
		QueryRate:      10,
		QueryBurst:     50,
	}
}

// Accepted returns how many neighbours the node accepts, leaves apart. Up to 5,
// the active view of HyParView's paper, it is what the node seeks.
func (cfg Config) Accepted() int {
	switch {
	case cfg.Leaf:
		return MaxLeafDegree
	case cfg.MaxDegree != 0:
		return cfg.MaxDegree
	case cfg.Degree <= 5:
		return cfg.Degree
	default:
		return min(cfg.Degree+cfg.Degree/8, MaxRelays)
	}
}

// Sought returns how many neighbours the node asks for.
func (cfg Config) Sought() int {
	switch {
	case cfg.Leaf:
		return min(cfg.Degree, LeafDegree)
	case cfg.MaxDegree != 0 || cfg.Degree <= 5:
		return cfg.Degree
	default:
		return cfg.Degree - cfg.Degree/6
	}
}

// walks returns how many forward-joins one join sets off. HyParView sends one to
// every neighbour of its view of 5; a third of the view, from each of JoinSeeds
// seeds, fills a joiner's view without flooding it with requests.
func (cfg Config) walks() int { return (cfg.Sought() + 2) / 3 }

func (cfg Config) check() error {
	for _, rule := range []struct {
		holds bool
		what  string
	}{
		{cfg.Degree >= 1 && cfg.Degree <= MaxRelays, "Degree is from 1 to 48"},
		{cfg.MaxDegree == 0 || cfg.MaxDegree >= cfg.Degree && cfg.MaxDegree <= MaxRelays, "MaxDegree is from Degree to 48"},
		{cfg.JoinTTL >= 1 && cfg.PassiveTTL <= cfg.JoinTTL, "JoinTTL is at least 1 and PassiveTTL no more than it"},
		{cfg.CacheSize >= 1, "CacheSize is at least 1"},
		{cfg.ShuffleEvery > 0 && cfg.PingEvery > 0 && cfg.PingTimeout > 0 && cfg.ProbeEvery > 0, "intervals are above zero"},
		{cfg.ShuffleActive >= 0 && cfg.ShufflePassive >= 0 && cfg.ShuffleActive+cfg.ShufflePassive <= wire.MaxContacts, "a shuffle has at most 10 contacts"},
		{cfg.ShuffleTTL >= 1, "ShuffleTTL is at least 1"},
		{cfg.PingMisses >= 1 && cfg.PingMisses < 1<<7, "PingMisses is from 1 to 127"},
		{cfg.QueryTTL >= 1 && cfg.QueryTTL <= MaxTTL, "QueryTTL is from 1 to 7"},
		{cfg.QueryRate >= 1 && cfg.QueryBurst >= 1, "QueryRate and QueryBurst are at least 1"},
	} {
		if !rule.holds {
			return fmt.Errorf("%w: %s", ErrConfig, rule.what)
		}
	}
	return nil
}
