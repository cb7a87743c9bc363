package wire

import (
	"fmt"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

func decode(e *pb.Envelope) (m Message, err error) {
	var d decoder
	switch b := e.GetBody().(type) {
	case *pb.Envelope_Hello:
		m.Kind = KindHello
		m.Hello = &Hello{
			Network: d.text("network", b.Hello.GetNetwork(), MaxNetworkName),
			Agent:   d.text("agent", b.Hello.GetAgent(), MaxAgent),
			Record:  d.bytes("record", b.Hello.GetRecord(), MaxRecord),
		}
	case *pb.Envelope_Refusal:
		m.Kind = KindRefusal
		m.Refusal = &Refusal{
			Code:   RefusalCode(d.number("code", uint32(b.Refusal.GetCode()), 255)), //nolint:gosec // checked by number
			Reason: d.text("reason", b.Refusal.GetReason(), MaxReason),
		}
	case *pb.Envelope_Join:
		m.Kind = KindJoin
		m.Contact = d.contact(b.Join.GetJoiner())
		m.Leaf = b.Join.GetLeaf()
	case *pb.Envelope_ForwardJoin:
		m.Kind = KindForwardJoin
		m.Contact = d.contact(b.ForwardJoin.GetJoiner())
		m.TTL = d.hops("ttl", b.ForwardJoin.GetTtl())
	case *pb.Envelope_Neighbour:
		m.Kind = KindNeighbour
		m.Flag = b.Neighbour.GetUrgent()
		m.Leaf = b.Neighbour.GetLeaf()
	case *pb.Envelope_NeighbourReply:
		m.Kind = KindNeighbourReply
		m.Flag = b.NeighbourReply.GetAccepted()
		m.Leaf = b.NeighbourReply.GetLeaf()
	case *pb.Envelope_Disconnect:
		m.Kind = KindDisconnect
		m.Flag = b.Disconnect.GetLeaving()
	case *pb.Envelope_Shuffle:
		m.Kind = KindShuffle
		m.Contact = d.contact(b.Shuffle.GetOrigin())
		m.TTL = d.hops("ttl", b.Shuffle.GetTtl())
		m.Contacts = d.contacts(b.Shuffle.GetContacts())
		m.Nonce = b.Shuffle.GetNonce()
	case *pb.Envelope_ShuffleReply:
		m.Kind = KindShuffleReply
		m.Contacts = d.contacts(b.ShuffleReply.GetContacts())
		m.Nonce = b.ShuffleReply.GetNonce()
	case *pb.Envelope_Ping:
		m.Kind = KindPing
		m.Nonce = b.Ping.GetNonce()
	case *pb.Envelope_Pong:
		m.Kind = KindPong
		m.Nonce = b.Pong.GetNonce()
	case *pb.Envelope_Query:
		m.Kind = KindQuery
		m.GUID = d.guid(b.Query.GetGuid())
		m.TTL = d.hops("ttl", b.Query.GetTtl())
		m.Hops = d.hops("hops", b.Query.GetHops())
		m.Query = d.query(b.Query)
		m.Walk = d.walk(b.Query.GetWalk())
		m.Nonce = b.Query.GetAcknowledge()
	case *pb.Envelope_Hit:
		m.Kind = KindHit
		m.GUID = d.guid(b.Hit.GetGuid())
		m.Contact = d.contact(b.Hit.GetHolder())
		m.Hops = d.hops("hops", b.Hit.GetHops())
		m.Items = d.items(b.Hit.GetItems())
		m.Tally = d.tally(b.Hit.GetTally())
	case *pb.Envelope_Ack:
		m.Kind = KindAck
		m.GUID = d.guid(b.Ack.GetGuid())
		m.Found = d.short("found", b.Ack.GetFound())
		m.Nonce = b.Ack.GetNonce()
	case *pb.Envelope_Report:
		m.Kind = KindReport
		m.GUID = d.guid(b.Report.GetGuid())
		m.Hops = d.hops("hops", b.Report.GetHops())
		m.Contact = d.contact(b.Report.GetPeer())
		if m.Tally = d.tally(b.Report.GetTally()); m.Tally == nil {
			m.Tally = &Tally{}
		}
	case *pb.Envelope_Summary:
		m.Kind = KindSummary
		m.Summary = d.summary(b.Summary)
	case *pb.Envelope_SummaryWant:
		m.Kind = KindSummaryWant
		m.Peers = d.peers(b.SummaryWant.GetOrigins())
	case *pb.Envelope_Withdraw:
		m.Kind = KindWithdraw
		m.Peers = d.peers(b.Withdraw.GetOrigins())
	default:
		return Message{}, fmt.Errorf("%w: no known body", ErrMalformed)
	}
	if d.err != nil {
		return Message{}, d.err
	}
	return m, nil
}
