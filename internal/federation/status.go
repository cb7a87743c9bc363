package federation

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Status is how a server sees its federation.
type Status struct {
	// State is "leader", "follower", "candidate", "waiting" to be admitted or
	// "stopped", and Why says why it is one of the last two.
	State, Why string
	// ID is the federation's, in hexadecimal; empty while it is not known.
	ID string
	// Leader is empty if nobody leads as far as this server knows, and if it grants
	// nothing itself.
	Leader peer.ID
	// Majority tells whether claims are granted.
	Majority bool
	// Members is in the order of the peer IDs.
	Members []Member
	// LastIndex, CommitIndex and AppliedIndex are places in the server's log.
	LastIndex, CommitIndex, AppliedIndex uint64
	Names                                int
}

// Member is a server of the federation.
type Member struct {
	Peer   peer.AddrInfo
	Self   bool
	Leader bool
	// Voter is false while a server catches up.
	Voter bool
	// Answers tells whether it answered just now.
	Answers bool
	// Contact is how long ago it last answered; below zero if it never did.
	Contact time.Duration
	// Behind is how many entries of the log it is behind this server's, or ahead if
	// it is below zero.
	Behind int64
}
