package wire

import (
	"fmt"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

func encode(m Message) (*pb.Envelope, error) {
	e := &pb.Envelope{}
	switch m.Kind {
	case KindHello:
		e.Body = &pb.Envelope_Hello{Hello: &pb.Hello{
			Network: m.Hello.Network, Agent: m.Hello.Agent, Record: m.Hello.Record,
		}}
	case KindRefusal:
		e.Body = &pb.Envelope_Refusal{Refusal: &pb.Refusal{
			Code: pb.RefusalCode(m.Refusal.Code), Reason: m.Refusal.Reason,
		}}
	case KindJoin:
		e.Body = &pb.Envelope_Join{Join: &pb.Join{Joiner: encodeContact(m.Contact), Leaf: m.Leaf}}
	case KindForwardJoin:
		e.Body = &pb.Envelope_ForwardJoin{ForwardJoin: &pb.ForwardJoin{
			Joiner: encodeContact(m.Contact), Ttl: uint32(m.TTL),
		}}
	case KindNeighbour:
		e.Body = &pb.Envelope_Neighbour{Neighbour: &pb.Neighbour{Urgent: m.Flag, Leaf: m.Leaf}}
	case KindNeighbourReply:
		e.Body = &pb.Envelope_NeighbourReply{NeighbourReply: &pb.NeighbourReply{Accepted: m.Flag, Leaf: m.Leaf}}
	case KindDisconnect:
		e.Body = &pb.Envelope_Disconnect{Disconnect: &pb.Disconnect{Leaving: m.Flag}}
	case KindShuffle:
		e.Body = &pb.Envelope_Shuffle{Shuffle: &pb.Shuffle{
			Origin: encodeContact(m.Contact), Ttl: uint32(m.TTL), Contacts: encodeContacts(m.Contacts), Nonce: m.Nonce,
		}}
	case KindShuffleReply:
		e.Body = &pb.Envelope_ShuffleReply{ShuffleReply: &pb.ShuffleReply{Contacts: encodeContacts(m.Contacts), Nonce: m.Nonce}}
	case KindPing:
		e.Body = &pb.Envelope_Ping{Ping: &pb.Ping{Nonce: m.Nonce}}
	case KindPong:
		e.Body = &pb.Envelope_Pong{Pong: &pb.Pong{Nonce: m.Nonce}}
	case KindQuery:
		e.Body = &pb.Envelope_Query{Query: &pb.Query{
			Guid: m.GUID[:], Ttl: uint32(m.TTL), Hops: uint32(m.Hops),
			Key: []byte(m.Query.Key), Words: m.Query.Words, Max: uint32(m.Query.Max),
			Trace: m.Query.Trace, Walk: encodeWalk(m.Walk), Acknowledge: m.Nonce,
		}}
	case KindHit:
		e.Body = &pb.Envelope_Hit{Hit: &pb.Hit{
			Guid: m.GUID[:], Holder: encodeContact(m.Contact), Hops: uint32(m.Hops), Items: encodeItems(m.Items),
			Tally: encodeTally(m.Tally),
		}}
	case KindAck:
		e.Body = &pb.Envelope_Ack{Ack: &pb.Ack{Guid: m.GUID[:], Found: uint32(m.Found), Nonce: m.Nonce}}
	case KindReport:
		e.Body = &pb.Envelope_Report{Report: &pb.Report{
			Guid: m.GUID[:], Hops: uint32(m.Hops), Peer: encodeContact(m.Contact), Tally: encodeTally(m.Tally),
		}}
	case KindSummary:
		e.Body = &pb.Envelope_Summary{Summary: &pb.Summary{
			Origin: []byte(m.Summary.Origin), Seq: m.Summary.Seq, Base: m.Summary.Base, Filter: m.Summary.Filter.Bytes(),
			Delta: m.Summary.Delta, Leaf: m.Summary.Leaf, Signature: m.Summary.Signature,
		}}
	case KindSummaryWant:
		e.Body = &pb.Envelope_SummaryWant{SummaryWant: &pb.SummaryWant{Origins: encodePeers(m.Peers)}}
	case KindWithdraw:
		e.Body = &pb.Envelope_Withdraw{Withdraw: &pb.Withdraw{Origins: encodePeers(m.Peers)}}
	default:
		return nil, fmt.Errorf("encode message of kind %d: no such kind", m.Kind)
	}
	return e, nil
}

func encodeContact(c Contact) *pb.Contact {
	return &pb.Contact{Peer: []byte(c.Peer), Record: c.Record}
}

func encodeContacts(contacts []Contact) []*pb.Contact {
	out := make([]*pb.Contact, len(contacts))
	for i, c := range contacts {
		out[i] = encodeContact(c)
	}
	return out
}

func encodeItems(items []Item) []*pb.Item {
	out := make([]*pb.Item, len(items))
	for i, it := range items {
		out[i] = &pb.Item{Key: []byte(it.Key), Name: it.Name, Size: it.Size, Data: it.Data}
	}
	return out
}

func encodePeers(peers []PeerID) [][]byte {
	out := make([][]byte, len(peers))
	for i, p := range peers {
		out[i] = []byte(p)
	}
	return out
}

func encodeWalk(w *Walk) *pb.Walk {
	if w == nil {
		return nil
	}
	out := &pb.Walk{
		Kind: pb.WalkKind(w.Kind), Target: []byte(w.Target), Careful: w.Careful,
		Past: w.Past, Tried: w.Tried, Seen: w.Seen, Tally: encodeTally(&w.Tally),
	}
	if w.Asker.Peer != "" {
		out.Asker = encodeContact(w.Asker)
	}
	return out
}

func encodeTally(t *Tally) *pb.Tally {
	if t == nil {
		return nil
	}
	out := &pb.Tally{
		Messages: t.Messages, Asked: t.Asked, Found: t.Found, Covered: t.Covered, Known: t.Known, Fresh: t.Fresh,
		Unreachable: uint32(t.Unreachable), Stale: uint32(t.Stale),
	}
	for _, s := range t.Trace {
		out.Trace = append(out.Trace, &pb.Step{
			Peer: []byte(s.Peer), Known: uint32(s.Known), Matched: uint32(s.Matched), Found: uint32(s.Found), Lost: uint32(s.Lost),
		})
	}
	return out
}
