package wire

import (
	"bytes"
	"fmt"
	"maps"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

func contact(n int) Contact {
	return Contact{
		Peer:   PeerID(append([]byte{0, 36, 8, 1, 18, 32}, bytes.Repeat([]byte{byte(n)}, 32)...)),
		Record: []byte{10, byte(n), 20},
	}
}

func contacts(n int) []Contact {
	all := make([]Contact, n)
	for i := range all {
		all[i] = contact(i + 1)
	}
	return all
}

var guid = GUID{0xde, 0xad, 0xbe, 0xef, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}

// filter is one of so many items; of none it is nil.
func filter(items int) *summary.Filter {
	var b summary.Builder
	for i := range items {
		b.Add(fmt.Sprint("key", i), []string{"holiday", fmt.Sprint("photo", i)})
	}
	return b.Filter()
}

func tally(steps int) *Tally {
	t := &Tally{Messages: 300, Asked: 40, Found: 3, Covered: 5000, Known: 600, Fresh: 9, Unreachable: 2, Stale: 1}
	for i := range steps {
		t.Trace = append(t.Trace, Step{Peer: contact(i).Peer, Known: 577, Matched: 2, Found: 3, Lost: 1})
	}
	return t
}

// samples are one of each kind of overlay message with all of its fields, by the
// name of their golden file, and some at the edges.
func samples() map[string]Message {
	return map[string]Message{
		"hello":           {Kind: KindHello, Hello: &Hello{Network: "grapevine", Agent: "grapevine/0.1", Record: []byte{1, 2, 3}}},
		"refusal":         {Kind: KindRefusal, Refusal: &Refusal{Code: RefusedGlare, Reason: "the other side's stream is used"}},
		"join":            {Kind: KindJoin, Contact: contact(1), Leaf: true},
		"forward_join":    {Kind: KindForwardJoin, Contact: contact(1), TTL: 6},
		"neighbour":       {Kind: KindNeighbour, Flag: true, Leaf: true},
		"neighbour_reply": {Kind: KindNeighbourReply, Flag: true, Leaf: true},
		"disconnect":      {Kind: KindDisconnect, Flag: true},
		"shuffle":         {Kind: KindShuffle, Nonce: 0xcafe, Contact: contact(1), TTL: 6, Contacts: contacts(2)},
		"shuffle_reply":   {Kind: KindShuffleReply, Nonce: 0xcafe, Contacts: contacts(2)},
		"ping":            {Kind: KindPing, Nonce: 0xcafe},
		"pong":            {Kind: KindPong, Nonce: 0xcafe},
		"query": {
			Kind: KindQuery, GUID: guid, TTL: 5, Hops: 2,
			Query: &Query{Key: "key", Words: []string{"holiday", "strände"}, Max: 10},
		},
		"hit": {Kind: KindHit, GUID: guid, Contact: contact(2), Hops: 3, Items: []Item{
			{Key: "key", Name: "holiday photos.zip", Size: 1 << 40, Data: []byte{9, 8}},
			{Name: "second"},
		}},
		"walk": {
			Kind: KindQuery, GUID: guid, TTL: 12, Hops: 3, Nonce: 0xcafe,
			Query: &Query{Words: []string{"holiday"}, Max: 10, Trace: true},
			Walk: &Walk{
				Kind: WalkSurvey, Target: contact(4).Peer, Asker: contact(1), Careful: true,
				Past: []uint32{1, 0xdeadbeef}, Tried: []uint32{3}, Seen: append(make([]byte, MaxSeen/8-1), 8), Tally: *tally(2),
			},
		},
		"hit_tally": {Kind: KindHit, GUID: guid, Contact: contact(2), Hops: 3, Items: []Item{{Name: "one"}}, Tally: tally(1)},
		"ack":       {Kind: KindAck, GUID: guid, Found: 300, Nonce: 0xcafe},
		"report":    {Kind: KindReport, GUID: guid, Hops: 12, Contact: contact(2), Tally: tally(2)},
		"summary": {Kind: KindSummary, Summary: &Summary{
			Origin: contact(1).Peer, Seq: 1_700_000_000_000, Filter: filter(2), Leaf: true, Signature: bytes.Repeat([]byte{5}, SignatureSize),
		}},
		"summary_delta": {Kind: KindSummary, Summary: &Summary{
			Origin: contact(1).Peer, Seq: 1_700_000_060_000, Base: 1_700_000_000_000, Delta: filter(2).Delta(filter(3)),
			Signature: bytes.Repeat([]byte{6}, SignatureSize),
		}},
		"summary_want": {Kind: KindSummaryWant, Peers: []PeerID{contact(1).Peer, contact(2).Peer}},
		"withdraw":     {Kind: KindWithdraw, Peers: []PeerID{contact(3).Peer}},
	}
}

// edges are messages that have as little, or as much, as is allowed.
func edges() map[string]Message {
	most := Contact{Peer: PeerID(strings.Repeat("p", MaxPeerID)), Record: make([]byte, MaxRecord)}
	all := make([]Contact, MaxContacts)
	for i := range all {
		all[i] = most
	}
	words := make([]string, MaxWords)
	for i := range words {
		words[i] = strings.Repeat("w", MaxWord)
	}
	items := make([]Item, MaxItems)
	for i := range items {
		items[i].Name = strings.Repeat("n", MaxItemName)
	}
	marks := func(n int) []uint32 {
		all := make([]uint32, n)
		for i := range all {
			all[i] = 1<<32 - 1
		}
		return all
	}
	peers := make([]PeerID, MaxOrigins)
	steps := make([]Step, MaxSteps)
	for i := range steps {
		peers[i] = most.Peer
		steps[i] = Step{most.Peer, 1<<16 - 1, 1<<16 - 1, 1<<16 - 1, 1<<16 - 1}
	}
	const n = 1<<32 - 1
	costly := Tally{n, n, n, n, n, n, 1<<16 - 1, 1<<16 - 1, steps}
	return map[string]Message{
		"largest walk": {
			Kind: KindQuery, TTL: 255, Hops: 255, Nonce: 1<<32 - 1,
			Query: &Query{Key: strings.Repeat("k", MaxKey), Words: words, Max: MaxWanted, Trace: true},
			Walk:  &Walk{WalkRandom, most.Peer, most, true, marks(MaxPast), marks(MaxTried), make([]byte, MaxSeen), costly},
		},
		"empty walk": {Kind: KindQuery, Query: &Query{Key: "k", Max: 1}, Walk: &Walk{Kind: WalkProbe}},
		"costly hit": {Kind: KindHit, Contact: most, Tally: &costly, Items: []Item{{
			strings.Repeat("k", MaxKey), strings.Repeat("n", MaxItemName), 1<<64 - 1, make([]byte, MaxItemData),
		}}},
		"cheap hit":       {Kind: KindHit, Contact: most, Tally: &Tally{}, Items: []Item{{}}},
		"empty ack":       {Kind: KindAck},
		"largest ack":     {Kind: KindAck, GUID: guid, Found: 1<<16 - 1, Nonce: 1<<32 - 1},
		"empty report":    {Kind: KindReport, Contact: Contact{Peer: "p"}, Tally: &Tally{}},
		"largest report":  {Kind: KindReport, GUID: guid, Hops: 255, Contact: most, Tally: &costly},
		"empty summary":   {Kind: KindSummary, Summary: &Summary{Origin: "p", Seq: 1}},
		"largest summary": {Kind: KindSummary, Summary: &Summary{Origin: most.Peer, Seq: 1<<64 - 1, Filter: filter(13000), Leaf: true, Signature: make([]byte, SignatureSize)}},
		"largest delta":   {Kind: KindSummary, Summary: &Summary{Origin: most.Peer, Seq: 1<<64 - 1, Base: 1<<64 - 2, Delta: make([]byte, MaxFilter), Signature: make([]byte, SignatureSize)}},
		"no origins":      {Kind: KindWithdraw, Peers: []PeerID{}},
		"many origins":    {Kind: KindSummaryWant, Peers: peers},
		"many withdrawn":  {Kind: KindWithdraw, Peers: peers},

		"empty hello":   {Kind: KindHello, Hello: &Hello{}},
		"largest hello": {Kind: KindHello, Hello: &Hello{strings.Repeat("n", MaxNetworkName), strings.Repeat("a", MaxAgent), make([]byte, MaxRecord)}},
		"empty refusal": {Kind: KindRefusal, Refusal: &Refusal{}},
		"new refusal":   {Kind: KindRefusal, Refusal: &Refusal{Code: 255, Reason: strings.Repeat("r", MaxReason)}},
		"largest join":  {Kind: KindJoin, Contact: most},
		"no ttl":        {Kind: KindForwardJoin, Contact: Contact{Peer: "p"}},
		"largest ttl":   {Kind: KindForwardJoin, Contact: Contact{Peer: "p"}, TTL: 255},
		"no flag":       {Kind: KindNeighbourReply},
		"largest shuffle": {
			Kind: KindShuffle, Contact: most, TTL: 255, Contacts: all,
		},
		"empty shuffle reply": {Kind: KindShuffleReply, Contacts: []Contact{}},
		"no nonce":            {Kind: KindPing},
		"largest query":       {Kind: KindQuery, TTL: 255, Hops: 255, Query: &Query{Key: strings.Repeat("k", MaxKey), Words: words, Max: MaxWanted}},
		"one word":            {Kind: KindQuery, Query: &Query{Words: []string{""}, Max: 1}},
		"key only":            {Kind: KindQuery, Query: &Query{Key: "\xff\x00", Max: 1}},
		"bare item":           {Kind: KindHit, Contact: Contact{Peer: "p"}, Items: []Item{{}}},
		"many items":          {Kind: KindHit, Contact: Contact{Peer: "p"}, Items: items},
		"largest item": {Kind: KindHit, Contact: most, Items: []Item{{
			strings.Repeat("k", MaxKey), strings.Repeat("n", MaxItemName), 1<<64 - 1, make([]byte, MaxItemData),
		}}},
	}
}

// frames are the messages of the other protocols in internal/wire/pb that are no
// more than their generated types, by the name of their golden file.
func frames() map[string]proto.Message {
	all := map[string]proto.Message{
		"open":     &pb.Open{Network: "grapevine", Service: "files"},
		"opened":   &pb.Opened{Status: pb.OpenStatus_OPEN_BUSY, Reason: "too many conns"},
		"presence": &pb.Presence{Network: "grapevine", Name: "alice", Record: []byte{1, 2, 3}, Leaving: true},
	}
	maps.Copy(all, federationFrames())
	return all
}
