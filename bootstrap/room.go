package bootstrap

import (
	"fmt"
	"time"
)

// admits says why a registration would be refused for want of room. One that is there
// needs none but for a record that is bigger than before and than most.
func (t *table) admits(now time.Time, c *claim, m manner) error {
	cost, known := costOf(c, self{}), t.find(leaseID{c.peer, c.key})
	size := t.size + cost
	if known != nil {
		size -= costOf(known.claim, known.told())
	}
	needs := known == nil || size > t.size && cost > registrationCost
	if needs && size > t.limits.Memory {
		return t.full(now, fmt.Sprintf("registrations take %d bytes", t.size))
	}
	if known != nil {
		return nil
	}
	if n := t.leases.Len(); n >= t.limits.Registrations {
		return t.full(now, fmt.Sprintf("%d registrations", n))
	}
	n := 0
	for range t.of(c.peer) {
		n++
	}
	if n >= t.limits.RegistrationsPerPeer {
		return t.full(now, fmt.Sprintf("a peer has at most %d names", n))
	}
	if n := t.places[m.from]; m.from.IsValid() && n >= t.limits.RegistrationsPerIP {
		return t.full(now, fmt.Sprintf("%d registrations from one address", n))
	}
	if n := t.places[subnet(m.from)]; m.from.IsValid() && n >= t.limits.RegistrationsPerSubnet {
		return t.full(now, fmt.Sprintf("%d registrations from one subnet", n))
	}
	return nil
}

// granted is the most bytes that registrations take which were granted by the limits, in
// whatever order they are told of: those that are bigger than most all of the memory, and
// the others their usual size.
func (l Limits) granted() int { return l.Memory + registrationCost*l.Registrations }

// full says when there may be room: the first lease to end may make it.
func (t *table) full(now time.Time, why string) error {
	wait := t.length(false)
	if next, some := t.next(); some {
		wait = min(wait, max(fullRetry, next.Sub(now)))
	}
	return &laterError{full(why), wait}
}
