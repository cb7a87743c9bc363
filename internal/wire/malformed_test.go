package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"maps"
	"runtime"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

func frame(payload []byte) []byte {
	return append(protowire.AppendVarint(nil, uint64(len(payload))), payload...)
}

// field is a field of bytes.
func field(num protowire.Number, value []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), value)
}

func varint(num protowire.Number, value uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, num, protowire.VarintType), value)
}

func repeat(n int, b []byte) []byte { return bytes.Repeat(b, n) }

// TestMalformedFrames reads the bytes of frames that are none.
func TestMalformedFrames(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		want error
	}{
		{"end of the stream", nil, io.EOF},
		{"half a length", []byte{0x80}, io.ErrUnexpectedEOF},
		{"length and nothing more", []byte{5}, io.ErrUnexpectedEOF},
		{"half a message", []byte{5, 82, 3}, io.ErrUnexpectedEOF},
		{"long length not there", []byte{0xff, 0xff, 0x03, 1}, io.ErrUnexpectedEOF},
		{"length over the limit", protowire.AppendVarint(nil, MaxSummaryFrame+1), ErrTooLarge},
		{"huge length", protowire.AppendVarint(nil, 1<<40), ErrTooLarge},
		{"largest length", protowire.AppendVarint(nil, 1<<63-1), ErrTooLarge},
		{"length as a negative number", protowire.AppendVarint(nil, 1<<64-1), ErrMalformed},
		{"endless length", repeat(20, []byte{0xff}), ErrMalformed},
		{"overlong length", []byte{0x82, 0x00, 82, 0}, ErrMalformed},
		{"overlong zero", []byte{0x80, 0x80, 0x00}, ErrMalformed},
		{"zero length", []byte{0}, ErrMalformed},
		{"no protobuf", frame([]byte{0xff, 0xff, 0xff}), ErrMalformed},
		{"field number zero", frame([]byte{0x02, 0x00}), ErrMalformed},
		{"body longer than the frame", frame([]byte{82, 9, 8, 1}), ErrMalformed},
		{"end of a group", frame([]byte{0x54}), ErrMalformed},
		{"deep groups", frame(repeat(MaxControlFrame/2, []byte{0xa3, 0x01})), ErrMalformed},
		{"body of another type", frame(varint(10, 1)), ErrMalformed},
		{"two bodies not known", frame(append(field(99, nil), field(98, nil)...)), ErrMalformed},
		{"number not known", frame(varint(99, 1)), ErrMalformed},
		{"body not known, as large as a summary", frame(field(99, make([]byte, MaxControlFrame))), ErrTooLarge},
		{"ping as large as a summary", frame(append(field(10, nil), field(99, make([]byte, MaxControlFrame))...)), ErrTooLarge},
		{"ping and a summary", frame(append(field(10, nil), field(16, nil)...)), ErrMalformed},
		{"two bodies", frame(append(field(10, nil), field(11, nil)...)), ErrMalformed},
		{"the same body twice", frame(append(field(10, nil), field(10, nil)...)), ErrMalformed},
		{"garbage", []byte("GET / HTTP/1.1\r\nHost: localhost\r\n\r\nmore than seventy-one bytes for the G of GET"), ErrMalformed},
	} {
		for _, r := range []interface {
			io.Reader
			io.ByteReader
		}{bytes.NewReader(c.in), bufio.NewReader(bytes.NewReader(c.in))} {
			if m, err := Read(r); !errors.Is(err, c.want) || m.Kind != 0 {
				t.Errorf("%s: kind %d, %v; want %v", c.name, m.Kind, err, c.want)
			}
		}
	}
}

// An empty frame is a message without fields where that means something.
func TestEmptyFrame(t *testing.T) {
	for name, m := range frames() {
		if err := ReadFrame(bytes.NewReader([]byte{0}), 0, m); err != nil || proto.Size(m) != 0 {
			t.Errorf("%s: %v, %v", name, m, err)
		}
	}
}

// An error of the stream comes through as it is.
func TestStreamError(t *testing.T) {
	broken := errors.New("cable cut")
	for _, in := range []string{"", "\x80", "\x05a"} {
		r := bufio.NewReader(io.MultiReader(strings.NewReader(in), errReader{broken}))
		if _, err := Read(r); !errors.Is(err, broken) {
			t.Errorf("after %q: %v", in, err)
		}
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }

// TestMalformedFields breaks the limit of each field of each message by one.
func TestMalformedFields(t *testing.T) {
	long := func(n int) string { return strings.Repeat("x", n) }
	good := encodeContact(contact(1))
	badContacts := map[string]*pb.Contact{
		"contact missing":       nil,
		"contact without peer":  {Record: good.Record},
		"contact peer ID long":  {Peer: make([]byte, MaxPeerID+1)},
		"contact record long":   {Peer: good.Peer, Record: make([]byte, MaxRecord+1)},
		"contact peer ID empty": {Peer: []byte{}},
	}
	many := make([]*pb.Contact, MaxContacts+1)
	for i := range many {
		many[i] = good
	}
	query := func(change func(*pb.Query)) *pb.Envelope {
		q := &pb.Query{Guid: guid[:], Key: []byte("key")}
		change(q)
		return &pb.Envelope{Body: &pb.Envelope_Query{Query: q}}
	}
	hit := func(change func(*pb.Hit)) *pb.Envelope {
		h := &pb.Hit{Guid: guid[:], Holder: good, Items: []*pb.Item{{Name: "a"}}}
		change(h)
		return &pb.Envelope{Body: &pb.Envelope_Hit{Hit: h}}
	}
	hello := func(h *pb.Hello) *pb.Envelope { return &pb.Envelope{Body: &pb.Envelope_Hello{Hello: h}} }
	refusal := func(r *pb.Refusal) *pb.Envelope { return &pb.Envelope{Body: &pb.Envelope_Refusal{Refusal: r}} }
	forward := func(f *pb.ForwardJoin) *pb.Envelope {
		return &pb.Envelope{Body: &pb.Envelope_ForwardJoin{ForwardJoin: f}}
	}
	shuffle := func(s *pb.Shuffle) *pb.Envelope { return &pb.Envelope{Body: &pb.Envelope_Shuffle{Shuffle: s}} }
	reply := func(s *pb.ShuffleReply) *pb.Envelope {
		return &pb.Envelope{Body: &pb.Envelope_ShuffleReply{ShuffleReply: s}}
	}
	walk := func(change func(*pb.Walk)) *pb.Envelope {
		w := &pb.Walk{Kind: pb.WalkKind_WALK_PROBE}
		change(w)
		return query(func(q *pb.Query) { q.Walk = w })
	}
	report := func(change func(*pb.Report)) *pb.Envelope {
		r := &pb.Report{Guid: guid[:], Peer: good}
		change(r)
		return &pb.Envelope{Body: &pb.Envelope_Report{Report: r}}
	}
	ack := func(a *pb.Ack) *pb.Envelope { return &pb.Envelope{Body: &pb.Envelope_Ack{Ack: a}} }
	summary := func(change func(*pb.Summary)) *pb.Envelope {
		s := &pb.Summary{Origin: good.Peer, Seq: 5, Filter: filter(2).Bytes()}
		change(s)
		return &pb.Envelope{Body: &pb.Envelope_Summary{Summary: s}}
	}
	delta := func(change func(*pb.Summary)) *pb.Envelope {
		return summary(func(s *pb.Summary) {
			s.Base, s.Filter, s.Delta = 4, nil, []byte{1, 2}
			change(s)
		})
	}
	want := func(origins ...[]byte) *pb.Envelope {
		return &pb.Envelope{Body: &pb.Envelope_SummaryWant{SummaryWant: &pb.SummaryWant{Origins: origins}}}
	}
	withdraw := func(origins ...[]byte) *pb.Envelope {
		return &pb.Envelope{Body: &pb.Envelope_Withdraw{Withdraw: &pb.Withdraw{Origins: origins}}}
	}
	step := func(change func(*pb.Step)) *pb.Tally {
		s := &pb.Step{Peer: good.Peer}
		change(s)
		return &pb.Tally{Trace: []*pb.Step{s}}
	}
	steps := make([]*pb.Step, MaxSteps+1)
	for i := range steps {
		steps[i] = &pb.Step{Peer: []byte("p")}
	}
	tallies := map[string]*pb.Tally{
		"steps many":          {Trace: steps},
		"steps very many":     {Trace: make([]*pb.Step, MaxFields+1)},
		"large":               {Trace: []*pb.Step{{Peer: make([]byte, MaxTally)}}},
		"unreachable":         {Unreachable: 1 << 16},
		"stale":               {Stale: 1 << 16},
		"step's peer missing": step(func(s *pb.Step) { s.Peer = nil }),
		"step's peer long":    step(func(s *pb.Step) { s.Peer = make([]byte, MaxPeerID+1) }),
		"step's known":        step(func(s *pb.Step) { s.Known = 1 << 16 }),
		"step's matched":      step(func(s *pb.Step) { s.Matched = 1 << 16 }),
		"step's found":        step(func(s *pb.Step) { s.Found = 1 << 16 }),
		"step's lost":         step(func(s *pb.Step) { s.Lost = 1 << 16 }),
	}
	cases := map[string]*pb.Envelope{
		"no body":            {},
		"hello network long": hello(&pb.Hello{Network: long(MaxNetworkName + 1)}),
		"hello agent long":   hello(&pb.Hello{Agent: long(MaxAgent + 1)}),
		"hello record long":  hello(&pb.Hello{Record: make([]byte, MaxRecord+1)}),

		"refusal code large":    refusal(&pb.Refusal{Code: 256}),
		"refusal code negative": refusal(&pb.Refusal{Code: -1}),
		"refusal reason long":   refusal(&pb.Refusal{Reason: long(MaxReason + 1)}),

		"forward join ttl": forward(&pb.ForwardJoin{Joiner: good, Ttl: 256}),

		"shuffle ttl":            shuffle(&pb.Shuffle{Origin: good, Ttl: 1<<32 - 1}),
		"shuffle contacts many":  shuffle(&pb.Shuffle{Origin: good, Contacts: many}),
		"shuffle reply too many": reply(&pb.ShuffleReply{Contacts: many}),

		"query without GUID":    query(func(q *pb.Query) { q.Guid = nil }),
		"query GUID short":      query(func(q *pb.Query) { q.Guid = guid[:15] }),
		"query GUID long":       query(func(q *pb.Query) { q.Guid = append(guid[:], 1) }),
		"query ttl":             query(func(q *pb.Query) { q.Ttl = 256 }),
		"query hops":            query(func(q *pb.Query) { q.Hops = 256 }),
		"query key long":        query(func(q *pb.Query) { q.Key = make([]byte, MaxKey+1) }),
		"query for nothing":     query(func(q *pb.Query) { q.Key = nil }),
		"query words many":      query(func(q *pb.Query) { q.Words = make([]string, MaxWords+1) }),
		"query words very many": query(func(q *pb.Query) { q.Words = make([]string, 400) }),
		"query word long":       query(func(q *pb.Query) { q.Words = []string{long(MaxWord + 1)} }),
		"query max":             query(func(q *pb.Query) { q.Max = MaxWanted + 1 }),
		"query max wraps":       query(func(q *pb.Query) { q.Max = 1<<16 + 1 }),

		"hit without GUID":   hit(func(h *pb.Hit) { h.Guid = nil }),
		"hit GUID long":      hit(func(h *pb.Hit) { h.Guid = make([]byte, 17) }),
		"hit hops":           hit(func(h *pb.Hit) { h.Hops = 256 }),
		"hit without items":  hit(func(h *pb.Hit) { h.Items = nil }),
		"hit items many":     hit(func(h *pb.Hit) { h.Items = make([]*pb.Item, MaxItems+1) }),
		"hit item key long":  hit(func(h *pb.Hit) { h.Items[0].Key = make([]byte, MaxKey+1) }),
		"hit item name long": hit(func(h *pb.Hit) { h.Items[0].Name = long(MaxItemName + 1) }),
		"hit item data long": hit(func(h *pb.Hit) { h.Items[0].Data = make([]byte, MaxItemData+1) }),
		"hit large": hit(func(h *pb.Hit) {
			for range MaxItems - 1 {
				h.Items = append(h.Items, &pb.Item{Data: make([]byte, MaxItemData)})
			}
		}),
	}
	maps.Copy(cases, map[string]*pb.Envelope{
		"walk target long":     walk(func(w *pb.Walk) { w.Target = make([]byte, MaxPeerID+1) }),
		"walk past long":       walk(func(w *pb.Walk) { w.Past = make([]uint32, MaxPast+1) }),
		"walk tried long":      walk(func(w *pb.Walk) { w.Tried = make([]uint32, MaxTried+1) }),
		"walk seen long":       walk(func(w *pb.Walk) { w.Seen = make([]byte, MaxSeen+1) }),
		"walk seen short":      walk(func(w *pb.Walk) { w.Seen = make([]byte, MaxSeen-1) }),
		"walk seen very short": walk(func(w *pb.Walk) { w.Seen = make([]byte, 1) }),
		"walk large": walk(func(w *pb.Walk) {
			w.Seen, w.Asker = make([]byte, MaxSeen), &pb.Contact{Peer: good.Peer, Record: make([]byte, MaxRecord+1<<10)}
		}),
		"query large beside its walk": query(func(q *pb.Query) {
			q.Walk, q.Words = &pb.Walk{}, slices.Repeat([]string{long(MaxWord)}, MaxQuery/MaxWord)
		}),

		"ack without GUID": ack(&pb.Ack{}),
		"ack found":        ack(&pb.Ack{Guid: guid[:], Found: 1 << 16}),

		"report without GUID": report(func(r *pb.Report) { r.Guid = nil }),
		"report hops":         report(func(r *pb.Report) { r.Hops = 256 }),

		"summary origin missing":   summary(func(s *pb.Summary) { s.Origin = nil }),
		"summary origin long":      summary(func(s *pb.Summary) { s.Origin = make([]byte, MaxPeerID+1) }),
		"summary seq missing":      summary(func(s *pb.Summary) { s.Seq = 0 }),
		"summary filter short":     summary(func(s *pb.Summary) { s.Filter = s.Filter[:len(s.Filter)-1] }),
		"summary filter long":      summary(func(s *pb.Summary) { s.Filter = make([]byte, MaxFilter+512) }),
		"summary filter full":      summary(func(s *pb.Summary) { s.Filter = append([]byte{0}, repeat(512, []byte{0xff})...) }),
		"summary filter and delta": summary(func(s *pb.Summary) { s.Delta = []byte{1, 2} }),
		"summary signature short":  summary(func(s *pb.Summary) { s.Signature = make([]byte, SignatureSize-1) }),
		"summary signature long":   summary(func(s *pb.Summary) { s.Signature = make([]byte, SignatureSize+1) }),
		"delta and filter":         delta(func(s *pb.Summary) { s.Filter = filter(1).Bytes() }),
		"delta missing":            delta(func(s *pb.Summary) { s.Delta = nil }),
		"delta long":               delta(func(s *pb.Summary) { s.Delta = make([]byte, MaxFilter+1) }),
		"delta to the same":        delta(func(s *pb.Summary) { s.Base = s.Seq }),
		"delta from later":         delta(func(s *pb.Summary) { s.Base = s.Seq + 1 }),

		"want many":            want(slices.Repeat([][]byte{good.Peer}, MaxOrigins+1)...),
		"want empty origin":    want(good.Peer, nil),
		"want long origin":     want(make([]byte, MaxPeerID+1)),
		"withdraw many":        withdraw(slices.Repeat([][]byte{good.Peer}, MaxOrigins+1)...),
		"withdraw empty":       withdraw(nil),
		"withdraw long origin": withdraw(make([]byte, MaxPeerID+1)),
	})
	for name, tally := range tallies {
		cases["walk: "+name] = walk(func(w *pb.Walk) { w.Tally = tally })
		cases["hit: "+name] = hit(func(h *pb.Hit) { h.Tally = tally })
		cases["report: "+name] = report(func(r *pb.Report) { r.Tally = tally })
	}
	for name, c := range badContacts {
		cases["report peer: "+name] = report(func(r *pb.Report) { r.Peer = c })
		if c != nil { // hits go back as the query came
			cases["walk asker: "+name] = walk(func(w *pb.Walk) { w.Asker = c })
		}
		cases["join: "+name] = &pb.Envelope{Body: &pb.Envelope_Join{Join: &pb.Join{Joiner: c}}}
		cases["forward join: "+name] = forward(&pb.ForwardJoin{Joiner: c})
		cases["shuffle origin: "+name] = shuffle(&pb.Shuffle{Origin: c})
		cases["hit holder: "+name] = hit(func(h *pb.Hit) { h.Holder = c })
		if c != nil { // a list cannot hold nothing
			cases["shuffle: "+name] = shuffle(&pb.Shuffle{Origin: good, Contacts: []*pb.Contact{good, c}})
			cases["shuffle reply: "+name] = reply(&pb.ShuffleReply{Contacts: []*pb.Contact{c, good}})
		}
	}
	for name, e := range cases {
		payload, err := proto.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := Read(bytes.NewReader(frame(payload))); !errors.Is(err, ErrMalformed) || m.Kind != 0 {
			t.Errorf("%s: kind %d, %v", name, m.Kind, err)
		}
	}
}

// Text that is no UTF-8 cannot be made by the generated code, so it is made by hand.
func TestMalformedText(t *testing.T) {
	bad := []byte{'a', 0xff}
	query := append(field(1, guid[:]), field(4, []byte("key"))...)
	hit := append(field(1, guid[:]), field(2, field(1, []byte("peer")))...)
	for name, in := range map[string][]byte{
		"hello network":  field(1, field(1, bad)),
		"hello agent":    field(1, field(2, bad)),
		"refusal reason": field(2, field(2, bad)),
		"query word":     field(12, append(query, field(5, bad)...)),
		"hit item name":  field(13, append(hit, field(4, field(2, bad))...)),
	} {
		if _, err := Read(bytes.NewReader(frame(in))); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Frames made to cost memory cost about as much as what they say takes on the wire.
func TestAllocation(t *testing.T) {
	const most = 4 * MaxControlFrame
	for name, in := range map[string][]byte{
		"huge length":             protowire.AppendVarint(nil, 1<<40),
		"length within the limit": protowire.AppendVarint(nil, MaxControlFrame),
		"shuffle of empty contacts": frame(field(8, append(field(1, field(1, []byte("p"))),
			repeat(MaxControlFrame/2-20, field(3, nil))...))),
		"shuffle reply of empty contacts": frame(field(9, repeat(MaxControlFrame/2-20, field(1, nil)))),
		"hit of empty items":              frame(field(13, repeat(MaxControlFrame/2-20, field(4, nil)))),
		"query of empty words":            frame(field(12, repeat(MaxControlFrame/2-20, field(5, nil)))),
		"bodies in turn":                  frame(repeat(MaxControlFrame/8, append(field(10, nil), field(11, nil)...))),
		"unknown fields":                  frame(repeat(MaxControlFrame/4, varint(100, 1))),
		"walk of empty steps":             frame(field(12, field(8, field(8, repeat(MaxTally/2, field(9, nil)))))),
		"walk of tallies":                 frame(field(12, field(8, repeat(MaxFields, field(8, repeat(MaxSteps/4, field(9, nil))))))),
		"walks":                           frame(field(12, repeat(MaxFields, field(8, field(8, repeat(MaxSteps/4, field(9, nil))))))),
		"hit of empty steps":              frame(field(13, field(5, repeat(MaxTally/2, field(9, nil))))),
		"report of empty steps":           frame(field(15, field(4, repeat(MaxTally/2, field(9, nil))))),
		"walk of many marks":              frame(field(12, field(8, field(6, make([]byte, MaxWalk))))),
		"marks one by one":                frame(field(12, field(8, repeat(MaxWalk/5, protowire.AppendFixed32(protowire.AppendTag(nil, 6, protowire.Fixed32Type), 1))))),
		"want of empty origins":           frame(field(17, repeat(MaxControlFrame/2-20, field(1, nil)))),
		"withdraw of empty origins":       frame(field(18, repeat(MaxControlFrame/2-20, field(1, nil)))),
		"full filter":                     frame(field(16, append(field(1, []byte("p")), field(4, append([]byte{0}, repeat(MaxFilter-1, []byte{0xff})...))...))),
	} {
		bytesAllocated := func() uint64 {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.TotalAlloc
		}
		const rounds = 8
		before := bytesAllocated()
		for range rounds {
			if _, err := Read(bytes.NewReader(in)); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if took := (bytesAllocated() - before) / rounds; took > most {
			t.Errorf("%s: %d bytes of memory for %d of the wire", name, took, len(in))
		}
	}
}

func TestWriteFrameRefusesLarge(t *testing.T) {
	var b bytes.Buffer
	err := Write(&b, Message{Kind: KindHello, Hello: &Hello{Record: make([]byte, MaxControlFrame)}})
	if !errors.Is(err, ErrTooLarge) || b.Len() > 0 {
		t.Errorf("%v, %d bytes written", err, b.Len())
	}
	for _, kind := range []Kind{0, KindWithdraw + 1} {
		if err := Write(&b, Message{Kind: kind}); err == nil || b.Len() > 0 || Size(Message{Kind: kind}) != 0 {
			t.Errorf("kind %d: %v", kind, err)
		}
	}
}
