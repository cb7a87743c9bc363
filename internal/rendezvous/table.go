package rendezvous

import (
	"container/heap"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Table is the registrations of one server. It is a pure function of the calls and
// of the times given in them, which must not go back; it has no lock. Records handed
// to it are verified.
type Table struct {
	limits  Limits
	key     cookieKey
	seq     uint64 // of the newest registration
	memory  int
	all     order
	spaces  map[string]*order
	peers   map[peer.ID]*registrant
	endings endings
}

// registrant is a peer with its registrations. They share the newest record: where a
// peer is does not depend on the namespace.
type registrant struct {
	record []byte
	spaces map[string]*registration
}

type registration struct {
	ns      string
	peer    peer.ID
	owner   *registrant
	seq     uint64 // a later one is higher
	expires time.Time
	gone    bool
	index   int // in endings
}

// Registration is an answer to a question.
type Registration struct {
	Namespace string
	Record    []byte // a signed peer record
	TTL       time.Duration
}

// NewTable makes an empty table. The key has to be random: with it the table tells
// its own cookies from those of others and of its own earlier runs.
func NewTable(key [32]byte, limits Limits) *Table {
	return &Table{
		limits: limits.withDefaults(),
		key:    cookieKey(key),
		spaces: make(map[string]*order),
		peers:  make(map[peer.ID]*registrant),
	}
}

// Len returns the number of registrations.
func (t *Table) Len() int { return t.all.live }

// Register enters a peer in a namespace, anew if it is there, and returns for how
// long; a TTL of zero is the default.
func (t *Table) Register(now time.Time, ns string, id peer.ID, record []byte, ttl time.Duration) (time.Duration, error) {
	t.expire(now)
	if ns == "" {
		return 0, refuse(InvalidNamespace, "no namespace")
	}
	if err := checkNamespace(ns); err != nil {
		return 0, err
	}
	if ttl < 0 || ttl > MaxTTL {
		return 0, refuse(InvalidTTL, fmt.Sprintf("a registration lives for %d seconds at most", MaxTTL/time.Second))
	}
	if ttl == 0 {
		ttl = DefaultTTL
	}
	owner := t.peers[id]
	var old *registration
	if owner != nil {
		old = owner.spaces[ns]
	}
	// What is replaced makes room for what replaces it.
	memory, number := t.memory+len(record)+costOf(ns, id), t.all.live+1
	if owner == nil {
		memory += costPeer
	} else {
		memory -= len(owner.record)
	}
	if old != nil {
		memory -= costOf(ns, id)
		number--
	}
	switch {
	case old == nil && owner != nil && len(owner.spaces) >= t.limits.RegistrationsPeer:
		return 0, refuse(NotAuthorized, fmt.Sprintf("a peer has at most %d registrations", t.limits.RegistrationsPeer))
	case number > t.limits.RegistrationsAll, memory > t.limits.Memory && memory > t.memory:
		return 0, refuse(Unavailable, "the server is full")
	}
	if owner == nil {
		owner = &registrant{spaces: make(map[string]*registration)}
		t.peers[id] = owner
	}
	owner.record = record
	t.memory = memory
	if old != nil {
		t.forget(old)
	}
	t.seq++
	r := &registration{ns: ns, peer: id, owner: owner, seq: t.seq, expires: now.Add(ttl)}
	owner.spaces[ns] = r
	space := t.spaces[ns]
	if space == nil {
		space = &order{}
		t.spaces[ns] = space
	}
	space.add(r)
	t.all.add(r)
	heap.Push(&t.endings, r)
	return ttl, nil
}

// Unregister takes a peer out of a namespace, if it is there.
func (t *Table) Unregister(now time.Time, ns string, id peer.ID) {
	t.expire(now)
	if owner := t.peers[id]; owner != nil {
		if r := owner.spaces[ns]; r != nil {
			t.drop(r)
		}
	}
}

// Discover returns up to limit registrations of a namespace, or with an empty one of
// all, in the order in which they were made, of some size bytes at most; and a cookie
// with which a later call returns those made after them. A limit of zero is
// MaxResults.
func (t *Table) Discover(now time.Time, ns string, limit uint64, cookie []byte, size int) ([]Registration, []byte, error) {
	t.expire(now)
	if err := checkNamespace(ns); err != nil {
		return nil, nil, err
	}
	var from uint64
	if len(cookie) > 0 {
		var ok bool
		if from, ok = t.key.position(ns, cookie); !ok {
			return nil, nil, refuse(InvalidCookie, "the cookie is not of this server, run and namespace")
		}
	}
	if limit == 0 || limit > MaxResults {
		limit = MaxResults
	}
	of := &t.all
	if ns != "" {
		of = t.spaces[ns]
	}
	if of == nil {
		of = &order{}
	}
	var found []Registration
	for _, r := range of.after(from) {
		if r.gone {
			continue
		}
		if size -= len(r.ns) + len(r.owner.record) + entryOverhead; size < 0 && len(found) > 0 {
			break
		}
		found = append(found, Registration{r.ns, r.owner.record, r.expires.Sub(now)})
		from = r.seq
		if uint64(len(found)) == limit {
			break
		}
	}
	return found, t.key.cookie(ns, from), nil
}

// entryOverhead is what an entry costs an answer besides namespace and record: tags,
// lengths and the TTL.
const entryOverhead = 24

func checkNamespace(ns string) error {
	switch {
	case len(ns) > MaxNamespace:
		return refuse(InvalidNamespace, fmt.Sprintf("a namespace has at most %d bytes", MaxNamespace))
	case !utf8.ValidString(ns):
		return refuse(InvalidNamespace, "the namespace is not UTF-8")
	}
	return nil
}

func costOf(ns string, id peer.ID) int { return len(ns) + len(id) + costRegistration }

func (t *Table) expire(now time.Time) {
	for len(t.endings) > 0 && !t.endings[0].expires.After(now) {
		t.drop(t.endings[0])
	}
}

// drop takes a registration out, and with the last of a peer the peer.
func (t *Table) drop(r *registration) {
	t.forget(r)
	t.memory -= costOf(r.ns, r.peer)
	delete(r.owner.spaces, r.ns)
	if len(r.owner.spaces) == 0 {
		t.memory -= costPeer + len(r.owner.record)
		delete(t.peers, r.peer)
	}
}

// forget takes a registration out of the orders.
func (t *Table) forget(r *registration) {
	heap.Remove(&t.endings, r.index)
	r.gone = true
	t.all.left()
	space := t.spaces[r.ns]
	if space.left(); space.live == 0 {
		delete(t.spaces, r.ns)
	}
}

// endings is a heap of all registrations by when they end.
type endings []*registration

func (e endings) Len() int           { return len(e) }
func (e endings) Less(i, j int) bool { return e[i].expires.Before(e[j].expires) }
func (e endings) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].index, e[j].index = i, j
}

func (e *endings) Push(x any) {
	r := x.(*registration)
	r.index = len(*e)
	*e = append(*e, r)
}

func (e *endings) Pop() any {
	last := (*e)[len(*e)-1]
	(*e)[len(*e)-1] = nil
	*e = (*e)[:len(*e)-1]
	return last
}

// check finds what must never be; tests call it after every step.
func (t *Table) check() error {
	memory, number := 0, 0
	for id, owner := range t.peers {
		memory += costPeer + len(owner.record)
		for ns, r := range owner.spaces {
			memory += costOf(ns, id)
			number++
			if r.gone || r.ns != ns || r.peer != id || r.owner != owner || t.endings[r.index] != r {
				return fmt.Errorf("registration of %s in %q is out of place", id, ns)
			}
		}
	}
	inSpaces := 0
	for ns, space := range t.spaces {
		inSpaces += space.live
		if space.live == 0 || len(space.all) > 2*space.live {
			return fmt.Errorf("namespace %q keeps %d for %d", ns, len(space.all), space.live)
		}
	}
	switch {
	case memory != t.memory:
		return fmt.Errorf("%d bytes are counted as %d", memory, t.memory)
	case number != t.all.live || number != len(t.endings) || number != inSpaces || len(t.all.all) > 2*number:
		return errors.New("peers, namespaces, order and endings differ")
	}
	return nil
}
