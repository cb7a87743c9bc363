package p2p

import (
	"sync"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// packet is a message in the outboxes of one link or several. The first that sends
// it encodes it for all.
type packet struct {
	message wire.Message

	encode sync.Once
	frame  []byte
	err    error
}

// holds tells whether the packet can be sent for m: of what goes to many, a query
// that floods and a summary.
func (p *packet) holds(m *wire.Message) bool {
	own := &p.message
	if own.Kind != m.Kind {
		return false
	}
	switch m.Kind {
	case wire.KindQuery:
		return own.GUID == m.GUID && own.Query == m.Query && own.TTL == m.TTL && own.Hops == m.Hops &&
			own.Nonce == m.Nonce && own.Walk == nil && m.Walk == nil
	case wire.KindSummary:
		return own.Summary == m.Summary
	default:
		return false
	}
}

func (p *packet) encoded() ([]byte, error) {
	p.encode.Do(func() { p.frame, p.err = wire.Encode(p.message) })
	return p.frame, p.err
}
