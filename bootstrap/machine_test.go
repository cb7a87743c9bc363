package bootstrap

import (
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"
)

// heldLease is a lease as the model of the table knows it.
type heldLease struct {
	seq                                            uint64
	name                                           string
	expires, over                                  moment // over: its record is
	online, detached, hidden, unconfirmed, renewed bool   // renewed: it is not spared
}

func heldAs(e entry) heldLease {
	return heldLease{e.claim.seq, e.claim.name, e.expires, overAt(e.claim), e.online, e.detached, e.claim.hidden, e.unconfirmed, !e.spared}
}

func overAt(c *claim) moment { return momentOf(c.expires.time().Add(clockSkew)) }

// tableModel is the table as simple as can be.
type tableModel struct {
	table  *table
	limits Limits
	now    time.Time
	held   map[leaseID]heldLease
	undos  []undo
	before []map[leaseID]heldLease
}

const modelLease = time.Minute

// modelStep is the time in which the table reckons ends, so that it is exact here.
const modelStep = modelLease / dueSteps

// newTableModel begins with what was restored.
func newTableModel(t *rapid.T) *tableModel {
	limits := Limits{Registrations: rapid.SampledFrom([]int{6, 80}).Draw(t, "limit"), RegistrationsPerPeer: 2}.withDefaults()
	m := &tableModel{table: newTable(modelLease, limits), limits: limits, now: t0, held: make(map[leaseID]heldLease)}
	for range rapid.IntRange(0, 6).Draw(t, "restored") {
		c, detached := m.claim(t), rapid.Bool().Draw(t, "detached")
		m.table.restore(m.now, c, manner{detached: detached}, t0)
		id := leaseID{c.peer, c.key}
		delete(m.held, id)
		if who, taken := m.owner(c.key); taken {
			delete(m.held, leaseID{who, c.key})
		}
		if len(m.held) < limits.Registrations {
			m.held[id] = heldLease{
				seq: c.seq, name: c.name, expires: m.end(detached, overAt(c)), over: overAt(c), detached: detached, hidden: c.hidden, unconfirmed: true,
			}
		}
	}
	return m
}

// claim draws one of few peers and names, so that they meet.
func (m *tableModel) claim(t *rapid.T) *claim {
	c := claimOf(rapid.SampledFrom([]peer.ID{"a", "b", "c", "d"}).Draw(t, "peer"),
		rapid.SampledFrom([]string{"", "x", "y", "Y", "z"}).Draw(t, "name"), rapid.Uint64Range(1, 6).Draw(t, "seq"))
	c.hidden = c.seq%3 == 0 // as the owner signed it
	if c.seq%2 == 0 {
		c.expires = secondOf(t0.Add(3*time.Minute - clockSkew))
	}
	return c
}

func (m *tableModel) at() moment { return momentOf(m.now) }

func (m *tableModel) end(detached bool, over moment) moment {
	if detached {
		return min(over, m.at().add(detachedLease))
	}
	return min(over, m.at().add(modelLease))
}

func (m *tableModel) owner(key nameKey) (peer.ID, bool) {
	for id := range m.held {
		if id.key == key && key != "" {
			return id.peer, true
		}
	}
	return "", false
}

// forget makes what was done final.
func (m *tableModel) forget() { m.undos, m.before = nil, nil }

func (m *tableModel) pass(t *rapid.T) {
	m.forget()
	m.now = m.now.Add(time.Duration(rapid.IntRange(1, 20).Draw(t, "steps")) * modelStep)
	doubts := m.expire(t)
	if doubts || len(m.held) >= doubtLeast || rapid.Bool().Draw(t, "look") {
		return
	}
	for id, h := range m.held {
		if h.expires <= m.at() {
			delete(m.held, id)
		}
	}
}

// expire compares what the table ends, or spares, with what it should. Where many
// end at once, among them some that were spared before, the order in which they end
// decides whether the table doubts itself.
func (m *tableModel) expire(t *rapid.T) (doubts bool) {
	window := m.at().add(modelLease / doubtWindow)
	ending, ended, over := 0, 0, false
	for _, h := range m.held {
		switch {
		case h.renewed && h.expires < window:
			ending++
			over = over || h.expires <= m.at()
		case !h.renewed && h.expires <= m.at():
			ended++
		}
	}
	n := len(m.held)
	many := func(of int) bool { return over && ending*100 > of*doubtPercent }
	must, may := n-ended >= doubtLeast && many(n), n >= doubtLeast && many(n-ended)
	spared := m.table.spared
	m.table.expire(m.now)
	doubts = m.table.spared > spared
	if must && !doubts || doubts && !may {
		t.Fatalf("doubt is %v: %d of %d end, and %d that were spared", doubts, ending, n, ended)
	}
	for id, h := range m.held {
		there := m.table.find(id) != nil
		switch {
		case h.expires > m.at() && (!doubts || !h.renewed || h.expires > window):
		case doubts && h.renewed && (must || there || h.expires > m.at()):
			h.expires, h.unconfirmed, h.renewed = m.end(h.detached, h.over), true, false
			if m.held[id] = h; h.expires <= m.at() {
				delete(m.held, id) // its record is over
			}
		default:
			delete(m.held, id)
		}
	}
	return doubts
}

func (m *tableModel) grant(t *rapid.T, c *claim, detached bool) {
	id := leaseID{c.peer, c.key}
	h, mine := m.held[id]
	_, taken := m.owner(c.key)
	perPeer := 0
	for other := range m.held {
		if other.peer == c.peer {
			perPeer++
		}
	}
	var want error
	switch {
	case overAt(c) <= m.at():
		want = ErrStale
	case mine && (c.seq < h.seq || c.seq == h.seq && c.name != h.name):
		want = ErrStale
	case mine:
	case taken:
		want = ErrNameTaken
	case len(m.held) >= m.limits.Registrations, perPeer >= m.limits.RegistrationsPerPeer:
		want = ErrFull
	}
	saved := maps.Clone(m.held)
	fresh, _, undo, err := m.table.grant(m.now, c, manner{detached: detached})
	if !errors.Is(err, want) {
		t.Fatalf("grant: %v, want %v", err, want)
	}
	if err != nil {
		return
	}
	if fresh == mine {
		t.Fatalf("fresh is %v", fresh)
	}
	m.held[id] = heldLease{
		seq: c.seq, name: c.name, expires: m.end(detached, overAt(c)), over: overAt(c),
		online: true, detached: detached, hidden: c.hidden, renewed: true,
	}
	if !fresh { // it was heard from, which stays; the record does not
		h, was := m.held[id], h
		h.seq, h.name, h.hidden, h.over = was.seq, was.name, was.hidden, was.over
		h.expires = min(h.expires, h.over)
		saved[id] = h
		m.forget()
	}
	m.undos, m.before = append(m.undos, undo), append(m.before, saved)
}

// crowd lets many register at once, who will end at once.
func (m *tableModel) crowd(t *rapid.T) {
	if m.limits.Registrations < doubtLeast {
		t.Skip()
	}
	n := rapid.IntRange(doubtLeast/2, doubtLeast+10).Draw(t, "crowd")
	for i := range n {
		m.grant(t, claimOf(peer.ID(fmt.Sprint("peer ", i)), "", 1), false)
	}
	m.forget()
}

func (m *tableModel) remove(t *rapid.T) {
	c := gone(m.claim(t))
	id := leaseID{c.peer, c.key}
	h, mine := m.held[id]
	_, taken := m.owner(c.key)
	var want error
	switch {
	case mine && c.seq <= h.seq:
		want = ErrStale
	case mine:
	case taken:
		want = ErrNotOwner
	default:
		want = ErrNotRegistered
	}
	saved := maps.Clone(m.held)
	_, undo, err := m.table.remove(m.now, c)
	if !errors.Is(err, want) {
		t.Fatalf("remove: %v, want %v", err, want)
	}
	if err == nil {
		delete(m.held, id)
		m.undos, m.before = append(m.undos, undo), append(m.before, saved)
	}
}

func (m *tableModel) renew(t *rapid.T) {
	c := m.claim(t)
	id := leaseID{c.peer, c.key}
	h, mine := m.held[id]
	_, err := m.table.renew(m.now, id, nil)
	if mine != (err == nil) {
		t.Fatalf("renew: %v, held %v", err, mine)
	}
	if mine {
		m.forget()
		h.expires, h.online, h.unconfirmed, h.renewed = m.end(h.detached, h.over), true, false, true
		m.held[id] = h
	}
}

// oust takes a name from whoever has it unless that is one peer, as consensus may.
func (m *tableModel) oust(t *rapid.T) {
	m.forget()
	c := m.claim(t)
	m.table.oust(c.key, c.peer)
	if who, taken := m.owner(c.key); taken && who != c.peer {
		delete(m.held, leaseID{who, c.key})
	}
}

func (m *tableModel) presence(t *rapid.T) {
	m.forget()
	id, online := m.claim(t).peer, rapid.Bool().Draw(t, "online")
	m.table.presence(m.now, id, online)
	for other, h := range m.held {
		if other.peer == id && (online || !h.detached) {
			h.online = online
			m.held[other] = h
		}
	}
}

func (m *tableModel) undo(t *rapid.T) {
	if len(m.undos) == 0 {
		t.Skip()
	}
	n := len(m.undos) - 1
	m.undos[n]()
	m.held = m.before[n]
	m.undos, m.before = m.undos[:n], m.before[:n]
}

func (m *tableModel) check(t *rapid.T) {
	if err := m.table.check(); err != nil {
		t.Fatal(err)
	}
	list := m.table.list(m.now)
	if len(list) != len(m.held) {
		t.Fatalf("%d leases, want %d", len(list), len(m.held))
	}
	for _, e := range list {
		if h, ok := m.held[e.id()]; !ok || h != heldAs(e) {
			t.Fatalf("lease %v is %+v, want %+v", e.id(), heldAs(e), h)
		}
	}
	for _, key := range []nameKey{"x", "y", "z"} {
		got, held := m.table.owner(key)
		if who, taken := m.owner(key); taken != held || got != who {
			t.Fatalf("%q is held by %q, %v, want %q, %v", key, got, held, who, taken)
		}
	}
}

// TestTableMachine compares the table with the model.
func TestTableMachine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newTableModel(t)
		t.Repeat(map[string]func(*rapid.T){
			"time":     m.pass,
			"grant":    func(t *rapid.T) { m.grant(t, m.claim(t), rapid.Bool().Draw(t, "detached")) },
			"crowd":    m.crowd,
			"remove":   m.remove,
			"renew":    m.renew,
			"oust":     m.oust,
			"presence": m.presence,
			"undo":     m.undo,
			"":         m.check,
		})
	})
}
