package overlay

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Core is one node's part of the overlay. It is not safe for concurrent use: its
// driver calls it from one goroutine at a time. Make it with [New].
type Core struct {
	cfg  Config
	self wire.Contact
	rng  *rand.Rand

	start   time.Time // of the first event; instants count from here
	started bool
	left    bool
	now     instant
	timers  [timerCount]instant
	effects []Effect
	stats   Stats

	// Membership.
	links    map[wire.PeerID]*link // the active view
	view     []*link               // the same, oldest first
	slots    [MaxLinks]*link       // the same, by the bit they have in routes
	nextSlot uint8
	serial   uint32
	requests []request // for a link, unanswered
	cache    cache
	expelled aging[wire.PeerID, struct{}]
	budgets  aging[wire.PeerID, budget] // of links that are down
	displace bucket
	admit    bucket
	errands  bucket
	seeding  seeding
	repairs  repairs
	reunite  bucket
	capacity capacity
	shuffles shuffles

	// Queries.
	queryLimit limit
	routes     aging[wire.GUID, route]
	results    aging[source, uint8]
	scratch    []byte                 // what is digested
	looking    map[wire.GUID]*carried // walks that are looked up in the own index
	custodies  []custody              // walks that are not acknowledged yet
	late       []late                 // and those that went on elsewhere, oldest first
	nonce      uint32                 // of the last one
	patience   patience
	directs    []dialled // hits on their way by a dial
	answers    bucket    // and their rate
	reached    bool      // others have opened links to this node
	undialled  instant   // until then it is taken for one that few can dial though some did
	doubted    bool      // the last search heard nothing directly, and found nothing

	// Own queries.
	searches map[wire.GUID]*search
	attempts map[wire.GUID]numbered // of those, by the GUIDs that others see
	underway []*search              // of those, the ones that have begun, in order
	waiting  []*search              // and the ones whose turn has not come
	asking   bucket

	// Summaries.
	origins    origins
	own        publication
	distrusted aging[wire.PeerID, struct{}] // origins that promised in vain
}

// The timers, in the order in which those that are due at once are served.
const (
	timerSweep = iota
	timerJoin
	timerRepair
	timerShuffle
	timerProbe
	timerAsk
	timerCustody
	timerSearch
	timerPublish
	timerForget
	timerPrefer
	timerCount
)

const never = instant(math.MaxInt64)

// New returns the core of the node self. The core owns rng from here on: with the
// same seed and the same events it does the same.
func New(cfg Config, self wire.PeerID, rng *rand.Rand) (*Core, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if self == "" || rng == nil {
		return nil, fmt.Errorf("%w: a core needs a peer ID and a source of randomness", ErrConfig)
	}
	c := &Core{
		cfg:        cfg,
		self:       wire.Contact{Peer: self},
		rng:        rng,
		links:      make(map[wire.PeerID]*link),
		expelled:   newAging[wire.PeerID, struct{}](MaxExpelled, ExpelFor),
		budgets:    newAging[wire.PeerID, budget](MaxBudgets, BudgetLife),
		queryLimit: limit{every: time.Second / time.Duration(cfg.QueryRate), burst: cfg.QueryBurst},
		routes:     newAging[wire.GUID, route](MaxRoutes, RouteLife),
		results:    newAging[source, uint8](MaxRoutes, RouteLife),
		looking:    make(map[wire.GUID]*carried),
		searches:   make(map[wire.GUID]*search),
		attempts:   make(map[wire.GUID]numbered),
		origins:    origins{places: make(map[wire.PeerID]int32)},
		distrusted: newAging[wire.PeerID, struct{}](MaxExpelled, ExpelFor),
	}
	for i := range c.timers {
		c.timers[i] = never
	}
	return c, nil
}

// SetSelf sets the contact that the node gives to others: at first, and when its
// addresses change. Its peer ID stays that of [New].
func (c *Core) SetSelf(contact wire.Contact) { c.self.Record = contact.Record }

// Handle takes in one event and returns what is to be done, in order. The slice
// is valid until the next call.
func (c *Core) Handle(now time.Time, ev Event) []Effect {
	c.effects = c.effects[:0]
	if c.left {
		return nil
	}
	if !c.started {
		c.begin(now)
	}
	c.now = max(c.now, now.Sub(c.start))
	switch ev.Kind {
	case Received:
		c.received(&ev)
	case Tick:
		c.tick()
	case Lost:
		c.lost(ev.Peer)
	case Matched:
		c.matched(&ev)
	case Ask:
		c.ask(&ev)
	case Cancel:
		c.cancel(ev.GUID)
	case Probed:
		c.probed(ev.Peer)
	case Unreachable:
		c.failed(ev.Peer)
	case Join:
		c.join(ev.Peers)
	case Learn:
		c.learn(ev.Peers)
	case Leave:
		c.leave()
	case Reject:
		c.reject(ev.GUID, ev.Peer, ev.Items)
	case Share:
		c.share(ev.Filter)
	case Role:
		c.role(ev.Leaf)
	case Strain:
		c.strain()
	}
	return c.effects
}

// Next returns when the next Tick is wanted; zero means never.
func (c *Core) Next() time.Time {
	if next := c.due(); next != never {
		return c.start.Add(next)
	}
	return time.Time{}
}

// Stats returns the counts so far.
func (c *Core) Stats() Stats { return c.stats }

func (c *Core) begin(now time.Time) {
	c.started, c.start = true, now
	c.timers[timerSweep] = c.upTo(SweepEvery)
	c.timers[timerShuffle] = c.upTo(c.cfg.ShuffleEvery)
	c.timers[timerProbe] = c.upTo(c.cfg.ProbeEvery)
	c.displace = limit{DisplaceEvery, DisplaceBurst}.full(0)
	c.admit = limit{AdmitEvery, AdmitBurst}.full(0)
	c.errands = errandLimit.full(0)
	c.answers = answerLimit.full(0)
	c.asking = c.ownLimit().full(0)
	c.own.rate = publishLimit.full(0)
	c.timers[timerForget] = c.now + ForgetEvery
	c.timers[timerPrefer] = c.now + PreferEvery
	c.reunite = limit{ReuniteEvery, ReuniteBurst}.full(0)
}

func (c *Core) due() instant {
	if !c.started || c.left {
		return never
	}
	next := c.timers[0]
	for _, t := range c.timers[1:] {
		next = min(next, t)
	}
	return next
}

func (c *Core) tick() {
	if due := c.due(); due != never && c.now-due > StarvedAfter {
		c.starved()
	}
	for i := range c.timers {
		if c.timers[i] > c.now {
			continue
		}
		c.timers[i] = never
		switch i {
		case timerSweep:
			c.sweep()
			c.timers[i] = c.now + SweepEvery
		case timerJoin:
			if c.alone() {
				c.joinRound()
			}
		case timerRepair:
			c.repair()
		case timerShuffle:
			c.shuffle()
			c.timers[i] = c.now + c.jitter(c.cfg.ShuffleEvery)
		case timerAsk:
			c.askWaiting()
		case timerCustody:
			c.overdue()
		case timerSearch:
			c.searchesDue()
		case timerPublish:
			c.publish()
		case timerPrefer:
			c.recover()
			c.prefer()
			c.timers[i] = c.now + PreferEvery
		case timerForget:
			c.forget()
			c.timers[i] = c.now + ForgetEvery
		case timerProbe:
			c.timers[i] = c.now + c.jitter(c.probe())
		}
	}
}

func (c *Core) leave() {
	for _, l := range c.view {
		c.send(l.peer, wire.Message{Kind: wire.KindDisconnect, Flag: true})
		c.end(l.peer, ReasonLeft)
	}
	c.left = true
}

// emit adds an effect, in place.
func (c *Core) emit(k EffectKind, peer wire.PeerID) *Effect {
	c.effects = append(c.effects, Effect{Kind: k, Peer: peer})
	return &c.effects[len(c.effects)-1]
}

func (c *Core) send(peer wire.PeerID, m wire.Message) *Effect {
	c.stats.Sent[m.Kind]++
	e := c.emit(Send, peer)
	e.Msg = m
	return e
}

// end asks for the link to peer to be closed.
func (c *Core) end(peer wire.PeerID, why Reason) { c.emit(Close, peer).Reason = why }

// upTo returns an instant within d from now.
func (c *Core) upTo(d time.Duration) instant {
	return c.now + time.Duration(c.rng.Int64N(int64(d)+1))
}

// jitter returns d, a quarter more or less: so that nodes which were started or
// hurt at once do not act at once ever after.
func (c *Core) jitter(d time.Duration) time.Duration {
	return d*3/4 + time.Duration(c.rng.Int64N(int64(d)/2+1))
}
