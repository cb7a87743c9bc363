package p2p

import (
	"context"
	"errors"
	"iter"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
)

// ErrLagged is yielded by Events when the reader was too slow and missed some.
var ErrLagged = errors.New("reader too slow: events were lost")

// EventKind tells what happened.
type EventKind int

// The events of a node. The list is append-only.
const (
	NeighbourUp EventKind = iota + 1
	NeighbourDown
	PresenceUp   // a peer announced itself
	PresenceDown // a peer went offline, or its announcement expired
)

// Event is something that happened to a node.
type Event struct {
	Kind   EventKind
	Peer   peer.ID
	Name   string // PresenceUp: the name it announced
	Reason string // NeighbourDown: why
}

func reasonText(r overlay.Reason) string {
	switch r {
	case overlay.ReasonReplaced:
		return "replaced"
	case overlay.ReasonLeft:
		return "left"
	case overlay.ReasonLost:
		return "lost"
	case overlay.ReasonSilent:
		return "silent"
	case overlay.ReasonHostile:
		return "broke the protocol"
	default:
		return ""
	}
}

// Events yields what happens from now on, until the context ends, the caller
// breaks or the node is closed. A reader that is 256 events behind gets ErrLagged
// once and goes on with the newest. The sequence is for one range loop.
func (n *Node) Events(ctx context.Context) iter.Seq2[Event, error] {
	return n.events.All(ctx, ErrLagged)
}
