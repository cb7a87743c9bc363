package wire

import (
	"fmt"
	"io"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Read reads one overlay message. What it returns is within the limits of this
// package; an error other than one of the stream is ErrTooLarge or ErrMalformed.
func Read(r protodelim.Reader) (Message, error) {
	var e pb.Envelope
	if err := readFrame(r, MaxControlFrame, &e, checkShape); err != nil {
		return Message{}, err
	}
	return decode(&e)
}

// Write writes one overlay message as a single frame.
func Write(w io.Writer, m Message) error {
	e, err := encode(m)
	if err != nil {
		return err
	}
	return WriteFrame(w, MaxControlFrame, e)
}

// Size is the number of bytes of m on the wire, its length prefix left out.
func Size(m Message) int {
	e, err := encode(m)
	if err != nil {
		return 0
	}
	return proto.Size(e)
}

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
		e.Body = &pb.Envelope_Join{Join: &pb.Join{Joiner: encodeContact(m.Contact)}}
	case KindForwardJoin:
		e.Body = &pb.Envelope_ForwardJoin{ForwardJoin: &pb.ForwardJoin{
			Joiner: encodeContact(m.Contact), Ttl: uint32(m.TTL),
		}}
	case KindNeighbour:
		e.Body = &pb.Envelope_Neighbour{Neighbour: &pb.Neighbour{Urgent: m.Flag}}
	case KindNeighbourReply:
		e.Body = &pb.Envelope_NeighbourReply{NeighbourReply: &pb.NeighbourReply{Accepted: m.Flag}}
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
		}}
	case KindHit:
		items := make([]*pb.Item, len(m.Items))
		for i, it := range m.Items {
			items[i] = &pb.Item{Key: []byte(it.Key), Name: it.Name, Size: it.Size, Data: it.Data}
		}
		e.Body = &pb.Envelope_Hit{Hit: &pb.Hit{
			Guid: m.GUID[:], Holder: encodeContact(m.Contact), Hops: uint32(m.Hops), Items: items,
		}}
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
	case *pb.Envelope_ForwardJoin:
		m.Kind = KindForwardJoin
		m.Contact = d.contact(b.ForwardJoin.GetJoiner())
		m.TTL = d.hops("ttl", b.ForwardJoin.GetTtl())
	case *pb.Envelope_Neighbour:
		m.Kind = KindNeighbour
		m.Flag = b.Neighbour.GetUrgent()
	case *pb.Envelope_NeighbourReply:
		m.Kind = KindNeighbourReply
		m.Flag = b.NeighbourReply.GetAccepted()
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
	case *pb.Envelope_Hit:
		m.Kind = KindHit
		m.GUID = d.guid(b.Hit.GetGuid())
		m.Contact = d.contact(b.Hit.GetHolder())
		m.Hops = d.hops("hops", b.Hit.GetHops())
		m.Items = d.items(b.Hit.GetItems())
	default:
		return Message{}, fmt.Errorf("%w: no known body", ErrMalformed)
	}
	if d.err != nil {
		return Message{}, d.err
	}
	return m, nil
}

// decoder checks fields and keeps the first breach.
type decoder struct{ err error }

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
	}
}

func (d *decoder) within(field string, size, limit int) {
	if size > limit {
		d.fail("%s of %d, at most %d", field, size, limit)
	}
}

func (d *decoder) text(field, s string, limit int) string {
	d.within(field, len(s), limit)
	if !utf8.ValidString(s) {
		d.fail("%s is no UTF-8", field)
	}
	return s
}

func (d *decoder) bytes(field string, b []byte, limit int) []byte {
	d.within(field, len(b), limit)
	return b
}

func (d *decoder) number(field string, n, limit uint32) uint32 {
	if n > limit {
		d.fail("%s of %d, at most %d", field, n, limit)
	}
	return n
}

// hops reads a distance: no walk or flood of Grapevine goes further than a byte.
func (d *decoder) hops(field string, n uint32) uint8 {
	return uint8(min(d.number(field, n, 255), 255))
}

func (d *decoder) guid(b []byte) (g GUID) {
	if copy(g[:], b) != len(g) || len(b) != len(g) {
		d.fail("GUID of %d bytes, not %d", len(b), len(g))
	}
	return g
}

func (d *decoder) contact(c *pb.Contact) Contact {
	if len(c.GetPeer()) == 0 {
		d.fail("contact without a peer ID")
	}
	return Contact{
		Peer:   PeerID(d.bytes("peer ID", c.GetPeer(), MaxPeerID)),
		Record: d.bytes("record", c.GetRecord(), MaxRecord),
	}
}

func (d *decoder) contacts(cs []*pb.Contact) []Contact {
	if d.within("contacts", len(cs), MaxContacts); d.err != nil {
		return nil
	}
	out := make([]Contact, len(cs))
	for i, c := range cs {
		out[i] = d.contact(c)
	}
	return out
}

func (d *decoder) query(q *pb.Query) *Query {
	d.within("words", len(q.GetWords()), MaxWords)
	for _, w := range q.GetWords() {
		d.text("word", w, MaxWord)
	}
	key := d.bytes("key", q.GetKey(), MaxKey)
	if len(key) == 0 && len(q.GetWords()) == 0 {
		d.fail("query for nothing")
	}
	wanted := d.number("max", q.GetMax(), MaxWanted)
	return &Query{Key: string(key), Words: q.GetWords(), Max: uint16(max(wanted&0xffff, 1))}
}

func (d *decoder) items(items []*pb.Item) []Item {
	if d.within("items", len(items), MaxItems); d.err != nil {
		return nil
	}
	if len(items) == 0 {
		d.fail("hit without an item")
	}
	out := make([]Item, len(items))
	for i, it := range items {
		out[i] = Item{
			Key:  string(d.bytes("key", it.GetKey(), MaxKey)),
			Name: d.text("name", it.GetName(), MaxItemName),
			Size: it.GetSize(),
			Data: d.bytes("data", it.GetData(), MaxItemData),
		}
	}
	return out
}
