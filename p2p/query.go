package p2p

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/words"
)

// Errors that Query yields.
var (
	ErrBadQuery       = errors.New("bad query")
	ErrNoNeighbours   = errors.New("no neighbours: the node is not in an overlay")
	ErrTooManyQueries = errors.New("too many queries under way")
	ErrClosed         = errors.New("node closed")
)

// Query is a question to the overlay: items with this key, or whose name has all
// of these words, or both.
type Query struct {
	Key      Key
	Words    []string
	Max      int // hits wanted, at most 200; 0 means 10
	Strategy Strategy
	TTL      int           // links that a Flood goes, at most 7; 0 means that
	Timeout  time.Duration // 0 means 5 s, and a minute for Exhaustive
	Trace    bool          // who passes the query on says so, in Hit.Path and Report.Path
	Report   *Report       // filled in when the iteration ends; nil: not wanted
}

// Hit is one item that a live holder answered with.
type Hit struct {
	Item Item
	From peer.AddrInfo // the holder, with those of the addresses it signed that may lead to it
	Hops int           // links that the query had gone; 0 is the own index
	RTT  time.Duration // from asking to this hit
	Path []Step        // of the query to the holder, as its peers tell it, if it is traced

	guid wire.GUID
	id   found
}

// Query asks the overlay and yields hits as they come in, each item of a holder
// once. It ends when Max hits are in, when the strategy has nothing left to try, at the
// Timeout or the context's deadline, or when the caller breaks. A question that cannot
// be asked, a cancelled context and a node that is closed meanwhile yield one error.
// Names are as their holders tell them: quote what a person is shown.
func (n *Node) Query(ctx context.Context, q Query) iter.Seq2[Hit, error] {
	return func(yield func(Hit, error) bool) {
		asked, err := q.normalised()
		if err == nil {
			err = n.ask(ctx, asked, yield)
		}
		if err != nil {
			yield(Hit{}, err)
		}
	}
}

// Check tells what is wrong with a question that cannot be asked: the error that
// [Node.Query] would yield.
func (q Query) Check() error {
	_, err := q.normalised()
	return err
}

// Reject says that a hit was false: its holder did not have what it told, or it was
// not what was asked for. While its query is under way the hit counts no more, and
// the query goes on looking, and to its holder no more.
func (n *Node) Reject(h Hit) {
	a := n.queries.find(h.guid)
	if a != nil && a.reject(h.id) && h.From.ID != n.ID() {
		item := wire.Item{Key: string(h.Item.Key), Name: h.Item.Name}
		n.driver.handle(overlay.Event{Kind: overlay.Reject, GUID: h.guid, Peer: wire.PeerID(h.From.ID), Items: []wire.Item{item}})
	}
}

func (n *Node) ask(ctx context.Context, q Query, yield func(Hit, error) bool) error {
	// Close does not wait for this goroutine, which is the caller's and may be the
	// one that calls it.
	if n.ctx.Err() != nil {
		return ErrClosed
	}
	if len(n.Neighbours()) == 0 {
		return ErrNoNeighbours
	}
	ctx, cancel := context.WithTimeout(ctx, q.Timeout)
	defer cancel()
	var guid wire.GUID
	rand.Read(guid[:]) // never fails
	a, err := n.queries.open(guid)
	if err != nil {
		return err
	}
	defer n.queries.close(guid)
	n.latency.asked[q.Strategy].Add(1)
	p := &progress{
		node: n, query: q, asked: a, started: time.Now(), yield: yield,
		seen: make(map[found]bool), report: newReport(q.Strategy),
	}
	defer p.tell()

	own := n.shares.match(q)
	if len(own) < q.Max {
		deadline, _ := ctx.Deadline()
		left := time.Until(deadline)
		n.driver.handle(overlay.Event{
			Kind: overlay.Ask, GUID: guid, Query: q.wire(len(own)), TTL: uint8(q.TTL), Strategy: overlay.Strategy(q.Strategy),
			Within: left - min(left/16, lastWords),
		})
		defer n.driver.handle(overlay.Event{Kind: overlay.Cancel, GUID: guid})
	}
	if p.done(arrival{Message: wire.Message{Contact: n.contacts.self(), Items: own}, at: time.Now()}) {
		return nil
	}
	for {
		select {
		case <-n.ctx.Done():
			return ErrClosed
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err()
			}
			return nil
		case hit := <-a.hits:
			if p.done(hit) {
				return nil
			}
		case cost := <-a.ended:
			p.finish(cost)
			return nil
		}
	}
}

// found is what makes a hit the same as another.
type found struct {
	holder wire.PeerID
	key    string
	name   string
}

// progress is how far a query has come.
type progress struct {
	node    *Node
	query   Query
	asked   *asked
	started time.Time
	yield   func(Hit, error) bool
	seen    map[found]bool
	remote  bool // somebody else has answered
	report  Report
}

// done yields the items of a hit that are new and were asked for, and tells
// whether that is enough.
func (p *progress) done(m arrival) bool {
	from, err := p.node.contacts.info(m.Contact)
	if err != nil {
		return false // its link was lost for it
	}
	if from.ID != p.node.ID() {
		p.node.host.Peerstore().AddAddrs(from.ID, from.Addrs, peerstore.TempAddrTTL)
	}
	p.report.note(m.cost)
	var path []Step
	if m.Tally != nil {
		path = steps(m.Tally.Trace)
	}
	if len(path) > len(p.report.Path) { // a walk's side probe is in no other trace
		p.report.Path = path
	}
	for _, it := range m.Items {
		item := Item{Key: Key(it.Key), Name: it.Name, Size: int64(it.Size & math.MaxInt64), Data: it.Data}
		id := found{m.Contact.Peer, it.Key, it.Name}
		if p.seen[id] || !p.query.answeredBy(item) {
			continue
		}
		p.seen[id] = true
		hit := Hit{Item: item, From: from, Hops: int(m.Hops), RTT: m.at.Sub(p.started), Path: path, guid: p.asked.guid, id: id}
		p.count(hit)
		if !p.yield(hit, nil) || len(p.seen)-p.asked.rejections() >= p.query.Max {
			return true
		}
	}
	return false
}

func (p *progress) count(h Hit) {
	if len(p.seen) == 1 {
		p.report.Hops, p.report.FirstHit = h.Hops, h.RTT
	}
	if h.From.ID != p.node.ID() {
		p.node.latency.hit(h.RTT, !p.remote)
		p.remote = true
	}
}

// finish yields what came before the end, and notes what the query has cost.
func (p *progress) finish(cost *wire.Tally) {
	p.report.note(cost)
	for {
		select {
		case hit := <-p.asked.hits:
			if p.done(hit) {
				return
			}
		default:
			return
		}
	}
}

// tell fills in the report that the caller wants.
func (p *progress) tell() {
	p.report.Hits = len(p.seen) - p.asked.rejections()
	p.report.Took = time.Since(p.started)
	if p.query.Report != nil {
		*p.query.Report = p.report
	}
}

// answeredBy tells whether a hit's item can be an answer. The words are the
// holder's to judge: it may know of the item what the name does not tell.
func (q Query) answeredBy(it Item) bool { return q.Key == "" || q.Key == it.Key }

// normalised checks a query and fills in its defaults.
func (q Query) normalised() (Query, error) {
	split := words.Ask(q.Words...)
	switch {
	case q.Key == "" && len(split) == 0:
		return q, fmt.Errorf("%w: neither a key nor a word", ErrBadQuery)
	case len(q.Key) > wire.MaxKey:
		return q, fmt.Errorf("%w: key of %d bytes, at most %d", ErrBadQuery, len(q.Key), wire.MaxKey)
	case len(split) > wire.MaxWords:
		return q, fmt.Errorf("%w: %d words, at most %d", ErrBadQuery, len(split), wire.MaxWords)
	case q.Max < 0 || q.Max > wire.MaxWanted:
		return q, fmt.Errorf("%w: %d hits wanted, at most %d", ErrBadQuery, q.Max, wire.MaxWanted)
	case q.Strategy > RandomWalk:
		return q, fmt.Errorf("%w: no strategy %d", ErrBadQuery, q.Strategy)
	case q.TTL < 0 || q.TTL > overlay.MaxTTL:
		return q, fmt.Errorf("%w: TTL of %d, at most %d", ErrBadQuery, q.TTL, overlay.MaxTTL)
	case q.TTL > 0 && q.Strategy != Flood:
		return q, fmt.Errorf("%w: a TTL is for %s, not for %s", ErrBadQuery, Flood, q.Strategy)
	}
	for _, w := range split {
		if len(w) > wire.MaxWord {
			return q, fmt.Errorf("%w: word of %d bytes, at most %d", ErrBadQuery, len(w), wire.MaxWord)
		}
	}
	q.Words = split
	if q.Max == 0 {
		q.Max = 10
	}
	if q.Timeout <= 0 {
		q.Timeout = defaultQueryTime
		if q.Strategy == Exhaustive {
			q.Timeout = defaultSurveyTime
		}
	}
	return q, nil
}

// wire is the query that goes out, where the own index has some of the items.
func (q Query) wire(own int) *wire.Query {
	return &wire.Query{Key: string(q.Key), Words: q.Words, Max: uint16(q.Max - own), Trace: q.Trace}
}

func queryOf(q *wire.Query) Query {
	return Query{Key: Key(q.Key), Words: q.Words, Max: int(q.Max)}
}
