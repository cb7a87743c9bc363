package wire

import (
	"bytes"
	"strings"

	"google.golang.org/protobuf/proto"

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

// samples are one of each kind of overlay message with all of its fields, by the
// name of their golden file, and some at the edges.
func samples() map[string]Message {
	return map[string]Message{
		"hello":           {Kind: KindHello, Hello: &Hello{Network: "grapevine", Agent: "grapevine/0.1", Record: []byte{1, 2, 3}}},
		"refusal":         {Kind: KindRefusal, Refusal: &Refusal{Code: RefusedGlare, Reason: "the other side's stream is used"}},
		"join":            {Kind: KindJoin, Contact: contact(1)},
		"forward_join":    {Kind: KindForwardJoin, Contact: contact(1), TTL: 6},
		"neighbour":       {Kind: KindNeighbour, Flag: true},
		"neighbour_reply": {Kind: KindNeighbourReply, Flag: true},
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
	return map[string]Message{
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
	return map[string]proto.Message{
		"open":     &pb.Open{Network: "grapevine", Service: "files"},
		"opened":   &pb.Opened{Status: pb.OpenStatus_OPEN_BUSY, Reason: "too many conns"},
		"presence": &pb.Presence{Network: "grapevine", Name: "alice", Record: []byte{1, 2, 3}, Leaving: true},
	}
}
