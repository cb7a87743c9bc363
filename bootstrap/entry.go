package bootstrap

import (
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/alarm"
)

// leaseID is what a lease is on: one name of one peer.
type leaseID struct {
	peer peer.ID
	key  nameKey
}

// entry is one registration. The table changes it under its owner's lock; what
// leaves the table is a snapshot by value, and claims are immutable.
type entry struct {
	// The alarm does not ring after expires. A renewal leaves it where it is; when it
	// rings it is set again.
	alarm.Alarm[moment]
	claim     *claim
	self      *self         // what its owner tells besides; nil: nothing
	from      *netip.Prefix // where it was registered from; nil: that is exempt
	next      *entry        // another of the same peer
	since     moment
	expires   moment
	confirmed time.Time // when the last renewal of its name was sent to be granted, by both clocks: see names.Term
	online    bool
	// unconfirmed: not heard from since the server was restarted, or suspected
	// itself.
	unconfirmed bool
	detached    bool // its owner does not stay connected
	spared      bool // it has had more than its lease, and gets no more
}

func (e *entry) id() leaseID { return leaseID{e.claim.peer, e.claim.key} }

// told is what the owner tells of itself.
func (e *entry) told() self {
	if e.self == nil {
		return self{}
	}
	return *e.self
}

// manner is how a peer registers, besides the record that it signed.
type manner struct {
	detached  bool
	self      self
	from      netip.Prefix
	confirmed time.Time // when its name was asked for where names are granted
}

// origin is where a registration comes from, to keep; nil if that is exempt.
func (m manner) origin() *netip.Prefix {
	if !m.from.IsValid() {
		return nil
	}
	from := m.from // alone: all that m holds would be kept with it
	return &from
}
