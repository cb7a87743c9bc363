package overlay

import (
	"time"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Event is one thing that happened, handed to [Core.Handle] with the time.
type Event struct {
	Kind  EventKind
	Peer  wire.PeerID    // Received, Lost, Probed, Unreachable: who
	Msg   wire.Message   // Received: what it said
	Peers []wire.Contact // Join, Learn: whom to try, or to keep; Received: first the sender's own, from its hello
	GUID  wire.GUID      // Ask, Cancel, Reject: which query of our own, a secret; Matched: that of the Match
	Query *wire.Query    // Ask
	TTL   uint8          // Ask: how far a flood goes; 0 means the default
	Items []wire.Item    // Matched: what the own index holds; Reject: the one that was false

	Strategy Strategy        // Ask: how it travels
	Within   time.Duration   // Ask: when the answer is worthless; 0 means the default
	Filter   *summary.Filter // Share
	Leaf     bool            // Role
	Dropped  bool            // Matched: the own index was not asked, for the driver is too busy
}

// EventKind tells which event an [Event] is.
type EventKind uint8

// The events: all that a driver can tell the core.
const (
	Join        EventKind = iota + 1 // enter through these seeds
	Leave                            // tell the neighbours goodbye; nothing is done after it
	Tick                             // Next has come
	Received                         // a message came, decoded and within the wire limits
	Lost                             // the link to Peer, or an attempt to reach it, failed
	Learn                            // keep these contacts; the driver vouches for their records
	Probed                           // Peer answered a Probe
	Unreachable                      // Peer did not answer a Probe
	Ask                              // start a query of our own
	Cancel                           // no more hits wanted for GUID
	Matched                          // the own index answers a Match, with nothing at times
	Reject                           // what Peer is said to hold, for our own query GUID, was false
	Share                            // the own index can be found by Filter from now on
	Role                             // the node is a leaf from now on, or is none
	Strain                           // the driver dropped messages: the node carries too much
)

// Effect is one thing that the driver must do. Effects are carried out in the
// order given; the slice is valid until the next call of Handle.
type Effect struct {
	Kind   EffectKind
	Peer   wire.PeerID  // Send, Close, Up, Down, Probe: who
	Msg    wire.Message // Send: what to say
	Target wire.Contact // Probe: whom; Send to a peer without a link: its contact, if known
	GUID   wire.GUID    // Match, Deliver, Done
	Query  *wire.Query  // Match
	Hops   uint8        // Match: how far the query has come
	Reason Reason       // Close, Down: why
	Tally  *wire.Tally  // Deliver, Done: what the query has cost so far, as far as is known
}

// EffectKind tells which effect an [Effect] is.
type EffectKind uint8

// The effects: all that the core can ask of a driver.
const (
	Send    EffectKind = iota + 1 // to Peer; open a link first if there is none
	Close                         // the link to Peer, once what was sent is flushed
	Up                            // Peer is a neighbour now
	Down                          // Peer is a neighbour no longer
	Match                         // look Query up in the own index, answer with Matched
	Deliver                       // Msg is a hit for our own query GUID
	Done                          // nothing more will come for our own query GUID; Tally says what was tried
	Probe                         // dial Target, answer with Probed or Unreachable
)

// Reason says why a link ended.
type Reason uint8

// Reasons for Close and Down.
const (
	ReasonNone      Reason = iota
	ReasonReplaced         // made room for another
	ReasonLeft             // it said goodbye
	ReasonLost             // the link failed
	ReasonSilent           // it answered no ping
	ReasonHostile          // it broke the protocol or its limits
	ReasonTransient        // the exchange is over and it is no neighbour
)
