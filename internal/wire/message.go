package wire

// PeerID is a libp2p peer ID in its binary form. The core compares and orders
// it and never looks inside.
type PeerID string

// GUID is a query's identity: 16 random bytes.
type GUID [16]byte

// Contact is a peer and where to find it.
type Contact struct {
	Peer   PeerID
	Record []byte // its signed peer record, opaque here; the drivers verify it
}

// Kind tells which message a [Message] is.
type Kind uint8

// The messages of the overlay protocol. Append-only.
const (
	KindHello Kind = iota + 1
	KindRefusal
	KindJoin
	KindForwardJoin
	KindNeighbour
	KindNeighbourReply
	KindDisconnect
	KindShuffle
	KindShuffleReply
	KindPing
	KindPong
	KindQuery
	KindHit
	KindAck
	KindReport
	KindSummary
	KindSummaryWant
	KindWithdraw
)

// Message is one frame of the overlay protocol. Which fields count depends on
// Kind; the rest are zero. It is a value of small size, so that relaying a query
// copies it, counts TTL and Hops, and shares Query.
type Message struct {
	Kind Kind

	Hello    *Hello    // Hello
	Refusal  *Refusal  // Refusal
	Contact  Contact   // Join, ForwardJoin: the joiner; Shuffle: the origin; Hit: the holder; Report: the peer
	Contacts []Contact // Shuffle, ShuffleReply

	TTL   uint8  // ForwardJoin, Shuffle, Query: links left
	Hops  uint8  // Query: links gone; Hit, Report: links the query had gone
	Flag  bool   // Neighbour: urgent; NeighbourReply: accepted; Disconnect: leaving
	Leaf  bool   // Join, Neighbour, NeighbourReply: the sender is a leaf
	Nonce uint32 // Ping, Pong; Shuffle, ShuffleReply; Query: the acknowledgement wanted, 0: none; Ack

	GUID  GUID   // Query, Hit, Ack, Report
	Query *Query // Query
	Walk  *Walk  // Query: how it walks; nil: it floods
	Items []Item // Hit
	Found uint16 // Ack: results that the query found here
	Tally *Tally // Hit, Report: what the query has cost so far

	Summary *Summary // Summary
	Peers   []PeerID // SummaryWant, Withdraw: the origins
}

// Hello is the first message in each direction of a link.
type Hello struct {
	Network string
	Agent   string
	Record  []byte
}

// RefusalCode says why a link is refused.
type RefusalCode uint8

// Reasons for a refusal; the numbers of overlay.proto.
const (
	RefusedOtherNetwork RefusalCode = iota + 1
	RefusedVersion
	RefusedMalformed
	RefusedBusy
	RefusedGlare // both sides opened at once; the lower peer ID's stream stays
)

// Refusal says in words why the sender ends the link.
type Refusal struct {
	Code   RefusalCode
	Reason string
}

// Query is what is asked: an exact key, or all of the words, or both.
// It is immutable once made: relayed messages share it.
type Query struct {
	Key   string
	Words []string
	Max   uint16 // hits wanted, 1 to MaxWanted
	Trace bool   // who passes it on or answers it says so in its tally
}

// Item is one entry of a holder's index.
type Item struct {
	Key  string
	Name string
	Size uint64
	Data []byte
}
