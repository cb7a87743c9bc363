package wire

// WalkKind tells how a query walks. Append-only; 0 is one that is not known here.
type WalkKind uint8

// The kinds of walks.
const (
	// WalkProbe goes to its target, at most two links far, and ends there.
	WalkProbe WalkKind = iota + 1
	// WalkGuided follows the summaries that match, and else goes anywhere new.
	WalkGuided
	// WalkSurvey is a guided walk that goes on until it has met nothing new for a
	// while, and keeps in Seen whom it knows of.
	WalkSurvey
	// WalkRandom looks at no summary.
	WalkRandom
)

// Walk is the state of a query that goes from peer to peer, one at a time. Each
// peer passes on a new one.
type Walk struct {
	Kind    WalkKind
	Target  PeerID   // the origin that it is on its way to, at most two links off; "": none
	Asker   Contact  // whom hits may go to directly; no peer: they go back as the query came
	Careful bool     // every hop to who was not heard of just now is acknowledged
	Past    []uint32 // marks of the peers that it came to last, the newest last
	Tried   []uint32 // marks of the origins that need no more following
	Seen    []byte   // a bit for each origin known so far, by its mark; nil: not kept
	Tally   Tally
}

// Tally is what a query has cost and met so far.
type Tally struct {
	Messages    uint32 // sent for it: lost ones, acknowledgements and hits included
	Asked       uint32 // peers that looked it up in their index
	Found       uint32 // results
	Covered     uint32 // origins whose summaries it was tested against
	Known       uint32 // of late: origins known to the peers visited, weighted,
	Fresh       uint32 // and those of them that were not known before
	Unreachable uint16 // origins and peers that did not answer
	Stale       uint16 // origins whose summary promised what they do not share
	Trace       []Step // in order; nil: not wanted
}

// Step is what one peer did with a query.
type Step struct {
	Peer    PeerID
	Known   uint16 // summaries that it tested
	Matched uint16 // those that matched
	Found   uint16 // results in its own index
	Lost    uint16 // next hops that it tried in vain
}

// Mark is a short, public hash of a peer (FNV-1a): enough to tell the few peers of
// one walk apart, and no more.
func (p PeerID) Mark() uint32 {
	h := uint32(2166136261)
	for i := range len(p) {
		h = (h ^ uint32(p[i])) * 16777619
	}
	return h
}
