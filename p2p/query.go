package p2p

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"
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
	Key     Key
	Words   []string
	Max     int           // hits wanted, at most 200; 0 means 10
	TTL     int           // links that the flood goes, at most 7; 0 means that
	Timeout time.Duration // 0 means 5 s
}

// Hit is one item that a live holder answered with.
type Hit struct {
	Item Item
	From peer.AddrInfo // the holder; its addresses are signed by it
	Hops int           // links that the query had gone; 0 is the own index
	RTT  time.Duration // from asking to this hit
}

// Query floods a question and yields hits as they come in, each item of a holder
// once. It ends when Max hits are in, at the Timeout or the context's deadline, or
// when the caller breaks; half way, if nothing was found, it asks once more. A
// question that cannot be asked, a cancelled context and a node that is closed
// meanwhile yield one error. Names are as their holders tell them: quote what a
// person is shown.
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
	started := time.Now()
	hits := make(chan arrival, hitQueue)
	stop, err := n.flood(q, hits)
	if err != nil {
		return err
	}
	defer func() { stop() }()
	deadline, _ := ctx.Deadline()
	halfTime := time.NewTimer(time.Until(deadline) / 2)
	defer halfTime.Stop()

	progress := &progress{node: n, query: q, started: started, yield: yield, seen: make(map[found]bool)}
	own := wire.Message{Contact: n.contacts.self(), Items: n.shares.match(q)}
	if progress.done(arrival{own, time.Now()}) {
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
		case hit := <-hits:
			if progress.done(hit) {
				return nil
			}
		case <-halfTime.C:
			if len(progress.seen) > 0 {
				continue
			}
			// The flood, or its only hit, may have met a link that broke or was
			// over its rate.
			first := stop
			again, err := n.flood(q, hits)
			if err != nil {
				continue
			}
			stop = func() { first(); again() }
		}
	}
}

// flood asks the overlay once; hits arrive until stop is called.
func (n *Node) flood(q Query, hits chan<- arrival) (stop func(), err error) {
	var guid wire.GUID
	rand.Read(guid[:]) // never fails
	if err := n.queries.open(guid, hits); err != nil {
		return nil, err
	}
	n.driver.handle(overlay.Event{Kind: overlay.Ask, GUID: guid, Query: q.wire(), TTL: uint8(q.TTL)})
	return func() {
		n.driver.handle(overlay.Event{Kind: overlay.Cancel, GUID: guid})
		n.queries.close(guid)
	}, nil
}

// arrival is a hit and when it came.
type arrival struct {
	wire.Message
	at time.Time
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
	started time.Time
	yield   func(Hit, error) bool
	seen    map[found]bool
}

// done yields the items of a hit that are new and were asked for, and tells
// whether that is enough.
func (p *progress) done(m arrival) bool {
	from, err := p.node.contacts.info(m.Contact)
	if err != nil {
		return false // its link was lost for it
	}
	from.Addrs = p.node.contacts.dialable(from.Addrs)
	if from.ID != p.node.ID() {
		p.node.host.Peerstore().AddAddrs(from.ID, from.Addrs, peerstore.TempAddrTTL)
	}
	for _, it := range m.Items {
		item := Item{Key: Key(it.Key), Name: it.Name, Size: int64(it.Size & math.MaxInt64), Data: it.Data}
		id := found{m.Contact.Peer, it.Key, it.Name}
		if p.seen[id] || !p.query.answeredBy(item) {
			continue
		}
		p.seen[id] = true
		hit := Hit{Item: item, From: from, Hops: int(m.Hops), RTT: m.at.Sub(p.started)}
		if !p.yield(hit, nil) || len(p.seen) == p.query.Max {
			return true
		}
	}
	return false
}

// answeredBy tells whether a hit's item can be an answer. The words are the
// holder's to judge: it may know of the item what the name does not tell.
func (q Query) answeredBy(it Item) bool { return q.Key == "" || q.Key == it.Key }

// normalised checks a query and fills in its defaults.
func (q Query) normalised() (Query, error) {
	var split []string
	for _, w := range q.Words {
		split = append(split, words.Split(w)...)
	}
	switch {
	case q.Key == "" && len(split) == 0:
		return q, fmt.Errorf("%w: neither a key nor a word", ErrBadQuery)
	case len(q.Key) > wire.MaxKey:
		return q, fmt.Errorf("%w: key of %d bytes, at most %d", ErrBadQuery, len(q.Key), wire.MaxKey)
	case len(split) > wire.MaxWords:
		return q, fmt.Errorf("%w: %d words, at most %d", ErrBadQuery, len(split), wire.MaxWords)
	case q.Max < 0 || q.Max > wire.MaxWanted:
		return q, fmt.Errorf("%w: %d hits wanted, at most %d", ErrBadQuery, q.Max, wire.MaxWanted)
	case q.TTL < 0 || q.TTL > overlay.MaxTTL:
		return q, fmt.Errorf("%w: TTL of %d, at most %d", ErrBadQuery, q.TTL, overlay.MaxTTL)
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
	}
	return q, nil
}

func (q Query) wire() *wire.Query {
	return &wire.Query{Key: string(q.Key), Words: q.Words, Max: uint16(q.Max)}
}

func queryOf(q *wire.Query) Query {
	return Query{Key: Key(q.Key), Words: q.Words, Max: int(q.Max)}
}

// queries are the node's own queries under way. The zero value is ready.
type queries struct {
	mu   sync.Mutex
	hits map[wire.GUID]chan<- arrival
}

func (q *queries) open(guid wire.GUID, hits chan<- arrival) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.hits) >= maxQueries {
		return ErrTooManyQueries
	}
	if q.hits == nil {
		q.hits = make(map[wire.GUID]chan<- arrival)
	}
	q.hits[guid] = hits
	return nil
}

func (q *queries) close(guid wire.GUID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.hits, guid)
}

// deliver hands a hit to its query; false means that it was dropped.
func (q *queries) deliver(guid wire.GUID, m wire.Message) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	hits, there := q.hits[guid]
	if !there {
		return true // ended meanwhile
	}
	select {
	case hits <- arrival{m, time.Now()}:
		return true
	default:
		return false
	}
}
