package wire

import (
	"fmt"
	"unicode/utf8"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// decoder checks fields and keeps the first breach.
type decoder struct{ err error }

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
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

func (d *decoder) short(field string, n uint32) uint16 {
	return uint16(d.number(field, n, 1<<16-1) & 0xffff)
}

func (d *decoder) guid(b []byte) (g GUID) {
	if copy(g[:], b) != len(g) || len(b) != len(g) {
		d.fail("GUID of %d bytes, not %d", len(b), len(g))
	}
	return g
}

func (d *decoder) peer(of string, id []byte) PeerID {
	if len(id) == 0 {
		d.fail("%s without a peer ID", of)
	}
	return PeerID(d.bytes("peer ID", id, MaxPeerID))
}

func (d *decoder) peers(ids [][]byte) []PeerID {
	if d.within("origins", len(ids), MaxOrigins); d.err != nil {
		return nil
	}
	out := make([]PeerID, len(ids))
	for i, id := range ids {
		out[i] = d.peer("origin", id)
	}
	return out
}

func (d *decoder) contact(c *pb.Contact) Contact {
	return Contact{
		Peer:   d.peer("contact", c.GetPeer()),
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
	return &Query{Key: string(key), Words: q.GetWords(), Max: uint16(max(wanted&0xffff, 1)), Trace: q.GetTrace()}
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

func (d *decoder) walk(w *pb.Walk) *Walk {
	if w == nil {
		return nil
	}
	d.within("marks of the past", len(w.GetPast()), MaxPast)
	d.within("marks tried", len(w.GetTried()), MaxTried)
	switch len(w.GetSeen()) {
	case 0, LeastSeen, MidSeen, MaxSeen:
	default:
		d.fail("seen of %d bytes, not %d, %d or %d", len(w.GetSeen()), LeastSeen, MidSeen, MaxSeen)
	}
	out := &Walk{
		Target:  PeerID(d.bytes("target", w.GetTarget(), MaxPeerID)),
		Careful: w.GetCareful(),
		Past:    w.GetPast(), Tried: w.GetTried(), Seen: w.GetSeen(),
	}
	if k := w.GetKind(); k > 0 && k <= pb.WalkKind(WalkRandom) {
		out.Kind = WalkKind(k)
	}
	if w.GetAsker() != nil {
		out.Asker = d.contact(w.GetAsker())
	}
	if tally := d.tally(w.GetTally()); tally != nil {
		out.Tally = *tally
	}
	return out
}

func (d *decoder) tally(t *pb.Tally) *Tally {
	if t == nil {
		return nil
	}
	if d.within("steps", len(t.GetTrace()), MaxSteps); d.err != nil {
		return nil
	}
	out := &Tally{
		Messages: t.GetMessages(), Asked: t.GetAsked(), Found: t.GetFound(),
		Covered: t.GetCovered(), Known: t.GetKnown(), Fresh: t.GetFresh(),
		Unreachable: d.short("unreachable", t.GetUnreachable()), Stale: d.short("stale", t.GetStale()),
	}
	for _, s := range t.GetTrace() {
		out.Trace = append(out.Trace, Step{
			Peer: d.peer("step", s.GetPeer()), Known: d.short("known", s.GetKnown()), Matched: d.short("matched", s.GetMatched()),
			Found: d.short("found", s.GetFound()), Lost: d.short("lost", s.GetLost()),
		})
	}
	return out
}

func (d *decoder) summary(s *pb.Summary) *Summary {
	d.within("delta", len(s.GetDelta()), MaxFilter)
	if n := len(s.GetSignature()); n != 0 && n != SignatureSize {
		d.fail("signature of %d bytes, not %d", n, SignatureSize)
	}
	switch whole := s.GetBase() == 0; {
	case s.GetSeq() == 0:
		d.fail("summary without a sequence number")
	case whole && len(s.GetDelta()) > 0, !whole && len(s.GetFilter()) > 0:
		d.fail("summary with a filter for a change, or a change for a filter")
	case !whole && len(s.GetDelta()) == 0:
		d.fail("change of a summary without a delta")
	case s.GetBase() > 0 && s.GetBase() >= s.GetSeq():
		d.fail("summary %d changed from %d", s.GetSeq(), s.GetBase())
	}
	out := &Summary{
		Origin: d.peer("summary", s.GetOrigin()), Seq: s.GetSeq(), Base: s.GetBase(),
		Delta: s.GetDelta(), Leaf: s.GetLeaf(), Signature: s.GetSignature(),
	}
	if d.err == nil && len(s.GetFilter()) > 0 {
		f, err := summary.Parse(s.GetFilter())
		if err != nil {
			d.fail("%w", err)
		}
		out.Filter = f
	}
	return out
}
