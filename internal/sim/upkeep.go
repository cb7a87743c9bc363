package sim

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// What a message has on a real network and not in the simulator, where peer IDs are
// short and nothing is signed.
const (
	peerIDBytes    = 38  // of an Ed25519 key
	recordBytes    = 250 // a signed peer record with four addresses, about
	signatureBytes = 66  // Ed25519, with its field
)

// sampleEvery is how many messages of a kind go by for one that is measured: to
// encode each would take longer than all else.
const sampleEvery = 16

// upkeep counts the bytes of all that belongs to no search.
type upkeep struct {
	since time.Duration
	lots  [kinds][2]lot // by kind, and whether a summary is whole
}

// lot is messages of about one size.
type lot struct {
	count    int
	measured int
	bytes    int
}

func (u *upkeep) count(m *wire.Message) {
	whole := 0
	if m.Summary != nil && m.Summary.Base == 0 {
		whole = 1
	}
	l := &u.lots[m.Kind][whole]
	if l.count%sampleEvery == 0 {
		l.measured++
		l.bytes += realSize(m)
	}
	l.count++
}

func (u *upkeep) bytes() (sum float64) {
	for i := range u.lots {
		for _, l := range u.lots[i] {
			if l.measured > 0 {
				sum += float64(l.bytes) / float64(l.measured) * float64(l.count)
			}
		}
	}
	return sum
}

// realSize returns the bytes of a message as real nodes send it.
func realSize(m *wire.Message) int {
	size := wire.Size(*m)
	peer := func(p wire.PeerID) {
		if p != "" {
			size += peerIDBytes - len(p)
		}
	}
	contact := func(c wire.Contact) {
		if c.Peer == "" {
			return
		}
		peer(c.Peer)
		if len(c.Record) == 0 {
			size += recordBytes
		}
	}
	contact(m.Contact)
	for _, c := range m.Contacts {
		contact(c)
	}
	for _, p := range m.Peers {
		peer(p)
	}
	if s := m.Summary; s != nil {
		peer(s.Origin)
		if len(s.Signature) == 0 {
			size += signatureBytes
		}
	}
	return size
}

// MeasureUpkeep begins to count anew what [Network.Upkeep] tells.
func (n *Network) MeasureUpkeep() { n.upkeep = upkeep{since: n.now} }

// Upkeep returns the bytes that a live node received a second since MeasureUpkeep in
// messages that belong to no search: the mean, with peer IDs, records and signatures
// of the size that they have on a real network. Lost messages count too.
func (n *Network) Upkeep() float64 {
	took := (n.now - n.upkeep.since).Seconds()
	if took <= 0 || n.live == 0 {
		return 0
	}
	return n.upkeep.bytes() / took / float64(n.live)
}

// UpkeepMessages returns how many messages of a kind were sent since MeasureUpkeep.
func (n *Network) UpkeepMessages(k wire.Kind) int {
	return n.upkeep.lots[k][0].count + n.upkeep.lots[k][1].count
}
