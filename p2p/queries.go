package p2p

import (
	"sync"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// arrival is a hit, when it came, and what its query had cost by then. The hit's own
// tally is that of the walk which brought it.
type arrival struct {
	wire.Message
	cost *wire.Tally
	at   time.Time
}

// asked is an own query under way.
type asked struct {
	guid  wire.GUID
	hits  chan arrival
	ended chan *wire.Tally // nothing more comes; what is in hits came before

	mu       sync.Mutex
	rejected map[found]bool
}

// reject takes a hit back; false if it was taken back before.
func (a *asked) reject(f found) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.rejected[f] {
		return false
	}
	a.rejected[f] = true
	return true
}

func (a *asked) rejections() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.rejected)
}

// queries are the node's own queries under way. The zero value is ready.
type queries struct {
	mu  sync.Mutex
	all map[wire.GUID]*asked
}

func (q *queries) open(guid wire.GUID) (*asked, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.all) >= maxQueries {
		return nil, ErrTooManyQueries
	}
	if q.all == nil {
		q.all = make(map[wire.GUID]*asked)
	}
	a := &asked{guid: guid, hits: make(chan arrival, hitQueue), ended: make(chan *wire.Tally, 1), rejected: make(map[found]bool)}
	q.all[guid] = a
	return a, nil
}

func (q *queries) close(guid wire.GUID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.all, guid)
}

func (q *queries) find(guid wire.GUID) *asked {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.all[guid]
}

// deliver hands a hit to its query; false means that it was dropped.
func (q *queries) deliver(guid wire.GUID, m wire.Message, cost *wire.Tally) bool {
	a := q.find(guid)
	if a == nil {
		return true // ended meanwhile
	}
	select {
	case a.hits <- arrival{m, cost, time.Now()}:
		return true
	default:
		return false
	}
}

// end tells a query that nothing more will come.
func (q *queries) end(guid wire.GUID, cost *wire.Tally) {
	if a := q.find(guid); a != nil {
		select {
		case a.ended <- cost:
		default: // told before
		}
	}
}
