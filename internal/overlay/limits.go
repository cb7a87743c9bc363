package overlay

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Limits of the active view.
const (
	// MaxLinks bounds the active view: a query's route keeps one bit a link.
	MaxLinks = 64
	// MaxGroupLinks is how many neighbours of one address group (a /16) there
	// may be: three leave an eclipse of 24 links in need of eight networks.
	MaxGroupLinks = 3
	// OldestLinks is how many of the oldest links are kept over a restart and
	// never displaced: Bitcoin keeps its longest-lived peers for the same
	// reason, that an attacker cannot make up age.
	OldestLinks = 4
	// DisplaceEvery and DisplaceBurst bound how fast strangers can push
	// neighbours out of a full view. A guess: a view of 24 turns over in half
	// a minute at worst, which is what a shuffle takes too.
	DisplaceEvery = time.Second
	DisplaceBurst = 10
)

// Limits of entering and repairing.
const (
	// JoinSeeds is how many seeds are asked at once: with JoinWalks each, three
	// fill a view.
	JoinSeeds = 3
	// MaxSeeds bounds the seeds that are remembered for entering again.
	MaxSeeds = 32
	// RejoinFirst and RejoinLast bound the back-off between rounds of joining.
	RejoinFirst = time.Second
	RejoinLast  = time.Minute
	// WalksWithin is how long a join's walks have to bring links before the node
	// asks for more: seven links at 100 ms, and a dial back.
	WalksWithin = 1500 * time.Millisecond
	// RepairEvery is the pause between two rounds of filling the view, doubled
	// up to RepairBackoff times while rounds bring nothing: 8 s.
	RepairEvery   = time.Second
	RepairBackoff = 3
	// HedgeAfter is how long an unanswered request holds back others: most
	// round trips on the internet, with a dial, are shorter.
	HedgeAfter = time.Second
	// RequestTimeout is when a request is given up: a dial of three round trips
	// at 500 ms and one lost packet.
	RequestTimeout = 5 * time.Second
	// MaxFresh and MaxRequests bound the requests of one round and those
	// outstanding: half a host cache, tried within seconds when most is dead.
	MaxFresh    = 32
	MaxRequests = 64
	// ReuniteEvery and ReuniteBurst bound the links asked of peers that are
	// back after they had failed, which is how a healed partition shows.
	ReuniteEvery = 20 * time.Second
	ReuniteBurst = 3
)

// Limits of the host cache.
const (
	// RetryFirst and RetryLast bound the back-off of a contact that failed.
	RetryFirst = 10 * time.Second
	RetryLast  = 5 * time.Minute
	// DeclineFor is how long a contact that declined is not asked again.
	DeclineFor = 10 * time.Second
	// ForgetAfter is the failure in a row that removes a contact: with the
	// back-off above, after about half an hour.
	ForgetAfter = 10
	// FailedShare and UnverifiedShare are the parts of a full cache (1/n) that
	// failed and unverified contacts may hold: the first are kept for a while,
	// because a partition looks like many failures; the second must not crowd
	// out what is known to answer.
	FailedShare     = 4
	UnverifiedShare = 2
	// FewProven is how many verified contacts there should be, two exchanges'
	// worth; while there are fewer, probes come ProbeHaste times as often.
	FewProven  = 2 * wire.MaxContacts
	ProbeHaste = 4
	// MaxGroupContacts is how many contacts of one address group are kept: a
	// tenth of the default cache.
	MaxGroupContacts = 12
)

// Limits of what others may make this node do.
const (
	// ControlEvery and ControlBurst bound the messages of membership from one
	// link (pings, walks, requests): 1,000 nodes joining within a minute
	// through three seeds put a tenth of this on a seed's link.
	ControlEvery = 50 * time.Millisecond
	ControlBurst = 200
	// AdmitEvery and AdmitBurst bound the joins and requests of all strangers
	// together: each costs up to JoinWalks messages and one round of the view.
	AdmitEvery = 10 * time.Millisecond
	AdmitBurst = 500
	// ExpelFor and MaxExpelled bound the memory for peers that broke the
	// protocol: their links are refused for half to all of this time.
	ExpelFor    = 20 * time.Minute
	MaxExpelled = 1 << 10
	// ErrandEvery and ErrandBurst bound the dials to contacts that others named
	// (a walk's joiner, a shuffle's origin), so that forged contacts make no
	// weapon of this node. A guess: a node of a settled overlay has one in ten
	// seconds, and one in a crowd of joiners several a second.
	ErrandEvery = 200 * time.Millisecond
	ErrandBurst = 50
	// ReplyWithin is how long a shuffle's reply is waited for.
	ReplyWithin = 30 * time.Second
)

// Limits of queries.
const (
	// MaxTTL bounds a flood: TTL+hops is never more (Gnutella 0.6's 7).
	MaxTTL = 7
	// OwnReserve is the part of a link's burst (1/n) that relayed queries leave
	// to the node's own; so many of those may go out at once.
	OwnReserve = 5
	// MaxWaiting bounds the own queries that wait for their turn: half a minute
	// at 10 a second, longer than anybody waits for hits.
	MaxWaiting = 300
	// ExcessEvery and ExcessBurst are how many queries over its rate, and hits
	// that nobody asked for, a link may send before it is lost: ten times the
	// burst, as only a program without the limits sends that many.
	ExcessEvery = 100 * time.Millisecond
	ExcessBurst = 500
	// MaxRepeats and RepeatShare: a link is lost at this many repetitions of a
	// GUID that it sent before, when they are over 1.5 % of its queries
	// (gtk-gnutella's node_check thresholds).
	MaxRepeats       = 5
	RepeatsPerMille  = 15
	MaxRoutes        = 1 << 17          // 24 links at 10 queries/s for nine minutes
	RouteLife        = 10 * time.Minute // a hit later than this finds no way back
	MaxLinkResults   = 64               // results of one query taken from one link
	MaxQueryResults  = wire.MaxWanted   // results of one own query in all
	MaxAnswerResults = MaxLinkResults   // results of our own: a neighbour takes no more
	// MaxHitBytes bounds the items of one hit; the rest of a hit is the
	// holder's record.
	MaxHitBytes = wire.MaxHit - wire.MaxRecord
)

// Limits of noticing silence.
const (
	// SweepEvery is the grain of all that is measured per link.
	SweepEvery = time.Second
	// StarvedAfter is how late a Tick may come before the node takes itself,
	// rather than its neighbours, for the slow one (Lifeguard, Dadgar et al.
	// 2018).
	StarvedAfter = time.Second
)
