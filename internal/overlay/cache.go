package overlay

import (
	"math/rand/v2"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// cache is the host cache: HyParView's passive view. Neighbours are not in it.
type cache struct {
	entries []entry
}

// entry is one contact of the host cache.
type entry struct {
	contact wire.Contact
	group   string
	proven  bool    // a dial to it succeeded once
	fails   uint8   // dials failed in a row since
	until   instant // not to be tried before
	probed  instant // when the probe under way began
	rtt     instant // how long a dial took when it was last probed; 0: never
}

// Saved is a contact to be kept over a restart.
type Saved struct {
	Contact  wire.Contact
	Verified bool // a dial to it succeeded
	Link     bool // it is a neighbour
	Oldest   bool // it is one of the oldest neighbours, to be asked first again
}

// HostCache returns the contacts to be kept over a restart, best first. Leaves are not
// among them, for they would grant no link.
func (c *Core) HostCache() []Saved {
	saved := make([]Saved, 0, len(c.view)+len(c.cache.entries))
	for _, l := range c.view {
		if !l.leaf {
			saved = append(saved, Saved{Contact: l.contact, Verified: l.proven, Link: true, Oldest: len(saved) < OldestLinks})
		}
	}
	for _, good := range []bool{true, false} {
		for i := range c.cache.entries {
			if e := &c.cache.entries[i]; (e.proven && e.fails == 0) == good {
				saved = append(saved, Saved{Contact: e.contact, Verified: e.proven})
			}
		}
	}
	return saved
}

// learn keeps contacts that the driver has from elsewhere.
func (c *Core) learn(contacts []wire.Contact) {
	c.keepAll(contacts, nil)
}

// keepAll puts contacts into the host cache, in place of those in give.
func (c *Core) keepAll(contacts []wire.Contact, give []wire.PeerID) {
	news := false
	for _, contact := range contacts {
		if c.keep(contact, false, give...) {
			news = true
		}
	}
	if news {
		c.hurry()
	}
}

// keep puts a contact into the host cache, in place of one of give if the cache
// is full and has one of them. It tells whether the contact is new there.
func (c *Core) keep(contact wire.Contact, proven bool, give ...wire.PeerID) bool {
	if !valid(contact) || contact.Peer == c.self.Peer || c.expelled.find(c.now, contact.Peer) != nil {
		return false
	}
	if l := c.links[contact.Peer]; l != nil {
		if len(l.contact.Record) == 0 {
			l.contact = contact
		}
		return false
	}
	if e := c.cache.find(contact.Peer); e != nil {
		if len(contact.Record) > 0 && (len(e.contact.Record) == 0 || e.fails > 0 || proven) {
			e.contact, e.group = contact, c.group(contact)
		}
		if proven {
			e.proven, e.fails = true, 0
		}
		return false
	}
	e := entry{contact: contact, group: c.group(contact), proven: proven}
	switch {
	case e.group != "" && c.cache.ofGroup(e.group) >= MaxGroupContacts:
		return false
	case len(c.cache.entries) < c.cfg.CacheSize:
		c.cache.entries = append(c.cache.entries, e)
	default:
		c.cache.entries[c.cache.victim(c.rng, give)] = e
	}
	return true
}

func (h *cache) find(peer wire.PeerID) *entry {
	for i := range h.entries {
		if h.entries[i].contact.Peer == peer {
			return &h.entries[i]
		}
	}
	return nil
}

func (h *cache) proven(peer wire.PeerID) bool {
	e := h.find(peer)
	return e != nil && e.proven && e.fails == 0
}

func (h *cache) remove(peer wire.PeerID) {
	for i := range h.entries {
		if h.entries[i].contact.Peer == peer {
			last := len(h.entries) - 1
			h.entries[i] = h.entries[last]
			h.entries[last] = entry{}
			h.entries = h.entries[:last]
			return
		}
	}
}

// decline notes that peer answered, but grants no link for now.
func (h *cache) decline(peer wire.PeerID, until instant) {
	if e := h.find(peer); e != nil {
		e.until = until
	}
}

// fail notes that peer did not answer, and forgets it after too many times.
func (h *cache) fail(peer wire.PeerID, now, wait instant) {
	e := h.find(peer)
	if e == nil {
		return
	}
	e.fails++
	if e.fails >= ForgetAfter {
		h.remove(peer)
		return
	}
	e.until = now + wait
}

func (h *cache) ofGroup(group string) int {
	n := 0
	for i := range h.entries {
		if h.entries[i].group == group {
			n++
		}
	}
	return n
}

// victim picks the entry of a full cache that makes room: one that failed or was
// never verified where there are too many of those, else one of give, else any.
func (h *cache) victim(rng *rand.Rand, give []wire.PeerID) int {
	failed, unproven := 0, 0
	for i := range h.entries {
		switch e := &h.entries[i]; {
		case e.fails > 0:
			failed++
		case !e.proven:
			unproven++
		}
	}
	all := len(h.entries)
	switch {
	case failed > all/FailedShare:
		return h.pick(rng, failed, func(e *entry) bool { return e.fails > 0 })
	case unproven > all/UnverifiedShare:
		return h.pick(rng, unproven, func(e *entry) bool { return e.fails == 0 && !e.proven })
	}
	for _, peer := range give {
		for i := range h.entries {
			if h.entries[i].contact.Peer == peer {
				return i
			}
		}
	}
	if sound := all - failed; sound > 0 {
		return h.pick(rng, sound, func(e *entry) bool { return e.fails == 0 })
	}
	return rng.IntN(all)
}

// pick returns at random one of the n entries that are so.
func (h *cache) pick(rng *rand.Rand, n int, so func(*entry) bool) int {
	k := rng.IntN(n)
	for i := range h.entries {
		if !so(&h.entries[i]) {
			continue
		}
		if k == 0 {
			return i
		}
		k--
	}
	return 0
}
