package overlay

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Limits of the active view.
const (
	// MaxLinks bounds the active view: a query's route keeps one bit a link.
	MaxLinks = 64
	// MaxRelays and MaxLeaves share it: neighbours that relay, and those that do
	// not and count on this node (Gnutella 0.6 ultrapeers have 30 leaves).
	MaxRelays = 48
	MaxLeaves = MaxLinks - MaxRelays
	// LeafDegree is how many neighbours a leaf has (3 or 4 in Gnutella 0.6) and
	// MaxLeafDegree the most.
	LeafDegree    = 4
	MaxLeafDegree = 8
	// LeastDegree is the share (1/n) of its degree that a node goes down to when
	// it cannot carry it, by StrainStep links at once, at most every StrainEvery;
	// it grows back by one in as long a calm as CalmFor. A third less, of 24, is
	// the 16 that search still does well with.
	LeastDegree = 3
	StrainStep  = 2
	StrainEvery = 10 * time.Second
	CalmFor     = time.Minute
	// PreferEvery is how often a node looks for a better neighbour, and
	// PreferredShare the part (1/n) of its view that it may choose so. The rest
	// stays random: else the near would link with the near, and the overlay fall
	// apart.
	PreferEvery    = 30 * time.Second
	PreferredShare = 4
	// SlowerThan: a neighbour is slow whose round trip is so many times the
	// median's.
	SlowerThan = 2
	// DialTrips is how many round trips a dial takes: TCP, Noise, the multiplexer.
	DialTrips = 3
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
	// BudgetLife and MaxBudgets bound the memory for what peers have left of their
	// rates when their links end. The slowest is full again after 50 s, and it is kept
	// for half to all of this time.
	BudgetLife = 2 * time.Minute
	MaxBudgets = 1 << 10
	// ErrandEvery and ErrandBurst bound the dials to contacts that others named
	// (a walk's joiner, a shuffle's origin), so that forged contacts make no
	// weapon of this node. A guess: a node of a settled overlay has one in ten
	// seconds, and one in a crowd of joiners several a second.
	ErrandEvery = 200 * time.Millisecond
	ErrandBurst = 50
	// AnswerEvery and AnswerBurst bound the dials of askers that the queries over one
	// link name, who may not have asked at all, and the hits and reports sent straight
	// to one neighbour that others name: half of what ExcessEvery lets it forgive.
	AnswerEvery = 200 * time.Millisecond
	AnswerBurst = 50
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
	// MaxSearches bounds the own queries under way or waiting for their turn: half a
	// minute of them at 10 a second, longer than anybody waits for hits.
	MaxSearches = 300
	// AskWithin is how long hits are waited for where nobody says: longer than three
	// walkers take one after the other at 80 ms of round trip.
	AskWithin = 10 * time.Second
	// ExcessEvery and ExcessBurst are how many queries over its rate, and hits
	// that nobody asked for, a link may send before it is lost: ten times the
	// burst, as only a program without the limits sends that many.
	ExcessEvery = 100 * time.Millisecond
	ExcessBurst = 500
	// MaxRepeats and RepeatsPerMille: a link is lost at this many repetitions of a
	// GUID that it sent before, when they are over 1.5 % of its queries
	// (gtk-gnutella's node_check thresholds).
	MaxRepeats       = 5
	RepeatsPerMille  = 15
	MaxRoutes        = 1 << 17          // 24 links at 10 queries/s for nine minutes
	RouteLife        = 10 * time.Minute // a hit later than this finds no way back
	MaxLinkResults   = 64               // results of one query taken from one link
	MaxQueryResults  = wire.MaxWanted   // different results of one own query, less those that were false
	MaxAnswerResults = MaxLinkResults   // results of our own: a neighbour takes no more
	// MaxHitBytes bounds the items of one hit; the rest of a hit is the
	// holder's record.
	MaxHitBytes = wire.MaxHit - wire.MaxRecord
)

// Limits of walks.
const (
	// ProbeHops, ScoutHops and WalkHops are how far the attempts of a guided query
	// go: with ScoutDegree neighbours, 12 hops find three replicas among 10,000
	// peers nine times in ten, and three times 40 find one (simulated). With fewer
	// neighbours less is known at each hop, and a scout goes further.
	ProbeHops   = 2
	ScoutHops   = 12
	WalkHops    = 40
	ScoutDegree = 24
	// MaxWalkers is the number of walkers after the scout, or twice that while the
	// share of the overlay that they have not seen is above EnoughMissed: they may
	// have had a short life.
	MaxWalkers   = 3
	EnoughMissed = 0.003
	// MaxRounds bounds the rounds of attempts after some were lost, one more in each
	// round. Where something false came, HostileScouts go out in the first, and two more
	// in every three: where three in ten peers drop what they should carry, a walk lives
	// for two or three hops, so only the time of HostileWait hops is waited for. Shorter walks
	// would come to the same peers again.
	MaxRounds     = 12
	HostileScouts = 2
	HostileWait   = 8
	// NotDirectly: every so many rounds are answered on the way back: not everybody may be
	// able to dial the node.
	NotDirectly = 3
	// RandomWalkers is the number of walkers of the plain strategy (Lv et al. 2002:
	// 16 to 64).
	RandomWalkers = 16
	// SurveyHops bounds a walk that is to visit everything: what fits its byte.
	SurveyHops = 255
	// MaxSurveys bounds them, where they are lost.
	MaxSurveys = 3
	// MaxProbes is the number of origins that are probed at once, MaxSurveyProbes
	// that of an exhaustive query at each of its peers.
	MaxProbes       = 3
	MaxSurveyProbes = 16
	// VainProbes is how many rounds of probes may bring nothing before a scout goes.
	VainProbes = 2
	// MaxAttempts bounds the attempts of one search: seven bits.
	MaxAttempts = 127
	// MaxPast and MaxTried bound what a walk remembers.
	MaxPast  = wire.MaxPast
	MaxTried = wire.MaxTried
	// MaxCarried bounds the walks that are looked up or not acknowledged: those of
	// 24 links at 10 a second for some seconds.
	MaxCarried = 1 << 10
	// MaxReports bounds the reports relayed for one attempt: its own, and those of
	// the probes on its way.
	MaxReports = 64
	// FreshFor: a walk goes to a neighbour heard of so lately unacknowledged. It is
	// less than PingEvery, so a dead one is noticed before it is pinged.
	FreshFor = 4 * time.Second
	// SureFor: one heard of so lately is preferred, and trusted even where others are
	// known to be gone.
	SureFor = time.Second
	// AckSlack and MaxAckWait: an acknowledgement is waited for this long and two
	// round trips more, at most so long.
	AckSlack   = 100 * time.Millisecond
	MaxAckWait = 5 * time.Second
	// LateFor is how long an acknowledgement that was given up is still known, MaxLate
	// the number of those: as many as were waited for at once.
	LateFor = 10 * time.Second
	MaxLate = MaxCarried
	// MaxLost bounds the next hops that a walk tries in vain at one peer.
	MaxLost = 8
	// HopTime is how long a hop takes while no round trip was measured; TripSlack
	// is for index look-ups and queues on a whole trip, and LostHops the dead that a
	// walk may meet on its way.
	HopTime   = 50 * time.Millisecond
	TripSlack = 250 * time.Millisecond
	LostHops  = 2
	// DirectAfter is the way back over which a hit is passed on rather than sent
	// directly, by a dial: one link takes less than that. From farther off only what
	// comes directly is taken, which its holder pays for: where three in ten peers answer
	// falsely, hits passed on were a quarter of all messages.
	DirectAfter = 2
	// Linger is how long a search that found nothing waits for the summaries of what
	// was shared just before: until it was read and told to peers two links away.
	Linger = 2 * time.Second
	// Candidates is how many neighbours a walk has to choose from: the more, the
	// less it goes by chance.
	Candidates = 2
	// UndialledFor is how long a node asks for all hits on the way back that got far ones
	// so, and none directly.
	UndialledFor = 10 * time.Minute
	// DirectWithin is how long the dial of an asker is given, MaxDirects the number of
	// those under way: what a dozen links may ask for.
	DirectWithin = 2 * time.Second
	MaxDirects   = 128
	// MostTrust bounds what the node remembers of a link's performance.
	MostTrust = 8
	// SmallOverlay: where fewer origins are known than so many a neighbour, those
	// may be all that there are. A scout tells by a set of TinySeen bytes.
	SmallOverlay = 3
	TinySeen     = wire.LeastSeen
	// SmallSeen is the size of the set of origins that a walker keeps: to a few per
	// cent, among 10,000 peers.
	SmallSeen = wire.MidSeen
	// SampleWeight and SampleWindow make the running mean over the last eight peers
	// of how many of the origins known to them were new; a survey ends when none was
	// for so long that the mean of a sample of SurveySample is zero.
	SampleWeight = 16
	SampleWindow = 8
	SurveySample = 64
	// EnoughEnds is how many attempts of a guided query have to say that nobody is left.
	EnoughEnds = 2
	// SharePrecision is the denominator of a share in a tally.
	SharePrecision = 1 << 20
)

// Limits of summaries.
const (
	// PublishEvery and PublishBurst bound the changes of the own summary, of which
	// each is told some 600 peers; PublishLeast is between any two, and
	// PublishAtOnce how long the first waits for others.
	PublishEvery  = time.Minute
	PublishBurst  = 4
	PublishLeast  = 10 * time.Second
	PublishAtOnce = 500 * time.Millisecond
	// RenewEvery is when an unchanged summary is told again, SummaryLife when one
	// that was not is forgotten.
	RenewEvery  = 10 * time.Minute
	SummaryLife = 30 * time.Minute
	ForgetEvery = time.Minute
	// SummaryEvery and SummaryBurst bound what a link tells of summaries: it leads
	// to 64 origins at most, which all may change every minute, and may all come at
	// once.
	SummaryEvery = 200 * time.Millisecond
	SummaryBurst = 200
	// MaxStateBytes bounds all summaries together: 577 origins of ten times the
	// usual 1,000 entries. Then no link has more of it than others have.
	MaxStateBytes = 16 << 20
	// Telling: a match tells nothing if, were all filters known as full as that
	// one, this many would match by accident.
	Telling = 0.5
	// FalseSlack is how many promises an origin may break before its rate counts.
	FalseSlack = 5
	// HonestFill is how full filters are that their makers did not have to crowd.
	HonestFill = 0.42
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
