package overlay

import (
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// What is drawn is small, so that things meet, and sometimes what nobody may send.

func drawPause(t *rapid.T) time.Duration {
	most := rapid.SampledFrom([]time.Duration{
		0, 0, 100 * time.Millisecond, 100 * time.Millisecond, time.Second, time.Second, 3 * time.Second, 3 * time.Second, 20 * time.Minute,
	})
	return time.Duration(rapid.Int64Range(0, int64(most.Draw(t, "longest pause"))).Draw(t, "pause"))
}

func drawPeer(t *rapid.T) wire.PeerID {
	group := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}).Draw(t, "group")
	return wire.PeerID(group + fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "peer")))
}

// drawAny is a peer of a message's contents, where anything may stand.
func drawAny(t *rapid.T) wire.PeerID {
	if rapid.IntRange(0, 29).Draw(t, "odd") == 0 {
		return rapid.SampledFrom([]wire.PeerID{"", "me", wire.PeerID(make([]byte, wire.MaxPeerID))}).Draw(t, "odd peer")
	}
	return drawPeer(t)
}

func drawContacts(t *rapid.T) []wire.Contact {
	all := make([]wire.Contact, rapid.SampledFrom([]int{0, 1, 2, 3, 5, 7, 9, 10, 10, 11}).Draw(t, "contacts"))
	for i := range all {
		all[i].Peer = drawAny(t)
	}
	return all
}

func drawPeers(t *rapid.T) []wire.PeerID {
	all := make([]wire.PeerID, rapid.IntRange(0, 5).Draw(t, "origins"))
	for i := range all {
		all[i] = drawAny(t)
	}
	return all
}

// drawGUID draws from few, so that they meet: searches, their attempts and side
// probes.
func drawGUID(t *rapid.T) (guid wire.GUID) {
	guid[0] = byte(rapid.IntRange(0, 9).Draw(t, "GUID"))
	guid[15] = rapid.SampledFrom([]byte{0, 0, 1, 2, sideAttempt | 1, 255}).Draw(t, "attempt")
	return guid
}

func drawQuery(t *rapid.T) *wire.Query {
	return &wire.Query{
		Key:   rapid.SampledFrom([]string{"", "", "k"}).Draw(t, "key"),
		Words: rapid.SliceOfN(rapid.SampledFrom([]string{"v", "w"}), 0, 2).Draw(t, "words"),
		Max:   rapid.SampledFrom([]uint16{0, 1, 1, 3, 3, 200, 65535}).Draw(t, "max"),
		Trace: rapid.Bool().Draw(t, "trace"),
	}
}

func drawFilter(t *rapid.T) *summary.Filter {
	return rapid.SampledFrom([]*summary.Filter{nil, filterOf([]string{"v"}), filterOf([]string{"v", "w"})}).Draw(t, "filter")
}

func drawMarks(t *rapid.T, most int) []uint32 {
	marks := make([]uint32, rapid.SampledFrom([]int{0, 0, 3, most}).Draw(t, "marks"))
	for i := range marks {
		marks[i] = wire.PeerID(fmt.Sprint("a", i)).Mark()
	}
	return marks
}

func drawTally(t *rapid.T) *wire.Tally {
	if rapid.IntRange(0, 4).Draw(t, "no tally") == 0 {
		return nil
	}
	odd := rapid.SampledFrom([]uint32{0, 0, 0, 0, 1, 100, 1<<32 - 1})
	return &wire.Tally{
		Messages: odd.Draw(t, "messages"), Asked: odd.Draw(t, "asked"), Found: odd.Draw(t, "found"),
		Covered: odd.Draw(t, "covered"), Known: odd.Draw(t, "known"), Fresh: odd.Draw(t, "fresh"),
		Unreachable: uint16(odd.Draw(t, "unreachable")), Stale: uint16(odd.Draw(t, "stale")),
		Trace: make([]wire.Step, rapid.SampledFrom([]int{0, 1, wire.MaxSteps}).Draw(t, "steps")),
	}
}

func drawWalk(t *rapid.T) *wire.Walk {
	w := &wire.Walk{
		Kind:    wire.WalkKind(rapid.SampledFrom([]int{0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 255}).Draw(t, "walk")),
		Careful: rapid.Bool().Draw(t, "careful"),
		Past:    drawMarks(t, MaxPast),
		Tried:   drawMarks(t, MaxTried),
		Seen:    make([]byte, rapid.SampledFrom([]int{0, 1, SmallSeen}).Draw(t, "seen")),
	}
	for i := range w.Seen {
		w.Seen[i] = byte(i + int(w.Kind))
	}
	if rapid.Bool().Draw(t, "targeted") {
		w.Target = drawAny(t)
	}
	if rapid.IntRange(0, 3).Draw(t, "direct") == 0 {
		w.Asker.Peer = drawAny(t)
	}
	if tally := drawTally(t); tally != nil {
		w.Tally = *tally
	}
	return w
}

func drawSummary(t *rapid.T, from wire.PeerID) *wire.Summary {
	s := &wire.Summary{Origin: from, Seq: uint64(rapid.IntRange(1, 20).Draw(t, "seq")), Leaf: rapid.Bool().Draw(t, "origin is a leaf")}
	if rapid.Bool().Draw(t, "of another") {
		s.Origin = drawAny(t)
	}
	switch rapid.IntRange(0, 19).Draw(t, "summary") {
	case 0:
		return nil
	case 1:
		s.Signature = []byte("wrong")
	case 2, 3, 4, 5, 6, 7:
		s.Base = s.Seq - 1
		s.Delta = rapid.SampledFrom([][]byte{
			nil, {1}, make([]byte, 20), filterOf([]string{"v"}).Delta(filterOf([]string{"v", "w"})),
		}).Draw(t, "delta")
		return s
	}
	s.Filter = drawFilter(t)
	return s
}

func drawEvent(t *rapid.T) Event {
	ev := Event{
		Kind:     EventKind(rapid.IntRange(int(Join), int(Strain)).Draw(t, "kind")),
		Peer:     drawPeer(t),
		GUID:     drawGUID(t),
		TTL:      rapid.Uint8().Draw(t, "TTL"),
		Items:    make([]wire.Item, rapid.SampledFrom([]int{0, 1, 12, 70}).Draw(t, "items")),
		Strategy: Strategy(rapid.IntRange(0, int(strategies)).Draw(t, "strategy")),
		Within:   time.Duration(rapid.Int64Range(-1, int64(time.Minute)).Draw(t, "within")),
		Leaf:     rapid.Bool().Draw(t, "leaf"),
	}
	switch ev.Kind {
	case Leave:
		ev.Kind = Received // or every run would end soon
	case Role:
		if rapid.Bool().Draw(t, "no change") {
			ev.Kind = Received // or no view would grow
		}
	case Ask:
		if rapid.IntRange(0, 9).Draw(t, "asked") > 0 {
			ev.Query = drawQuery(t)
		}
	case Share:
		ev.Filter = drawFilter(t)
	case Join, Learn:
		ev.Peers = drawContacts(t)
	}
	if ev.Kind == Received || rapid.Bool().Draw(t, "received") {
		ev.Kind = Received
		ev.Msg = drawMessage(t, &ev)
	}
	return ev
}

func drawMessage(t *rapid.T, ev *Event) wire.Message {
	m := wire.Message{TTL: ev.TTL, Flag: rapid.Bool().Draw(t, "flag"), GUID: ev.GUID}
	m.Kind = rapid.SampledFrom([]wire.Kind{
		wire.KindJoin, wire.KindForwardJoin, wire.KindNeighbour, wire.KindNeighbour, wire.KindNeighbour, wire.KindNeighbour,
		wire.KindNeighbourReply, wire.KindNeighbourReply, wire.KindNeighbourReply, wire.KindDisconnect,
		wire.KindShuffle, wire.KindShuffleReply, wire.KindPing, wire.KindPong,
		wire.KindQuery, wire.KindQuery, wire.KindQuery, wire.KindQuery, wire.KindHit, wire.KindHit, wire.KindAck, wire.KindReport,
		wire.KindSummary, wire.KindSummary, wire.KindSummary, wire.KindSummary, wire.KindSummaryWant, wire.KindWithdraw,
		wire.Kind(rapid.Uint8().Draw(t, "any kind")),
	}).Draw(t, "message")
	switch m.Kind {
	case wire.KindJoin, wire.KindForwardJoin, wire.KindHit, wire.KindReport, wire.KindShuffle:
		m.Contact.Peer = drawAny(t)
		if rapid.Bool().Draw(t, "own contact") {
			m.Contact.Peer = ev.Peer
		}
	}
	switch m.Kind {
	case wire.KindJoin, wire.KindNeighbour, wire.KindNeighbourReply:
		m.Leaf = rapid.IntRange(0, 3).Draw(t, "as a leaf") == 0
	case wire.KindShuffle, wire.KindShuffleReply:
		m.Contacts = drawContacts(t)
	case wire.KindQuery:
		m.Hops = rapid.SampledFrom([]uint8{0, 0, 1, 2, 3, 11, 12, 39, 40, 254, 255}).Draw(t, "hops")
		m.Nonce = rapid.SampledFrom([]uint32{0, 1}).Draw(t, "nonce")
		if rapid.IntRange(0, 59).Draw(t, "query") > 0 {
			m.Query = drawQuery(t)
		}
		if rapid.IntRange(0, 4).Draw(t, "walks") > 0 {
			m.Walk = drawWalk(t)
		}
	case wire.KindHit:
		m.Hops = ev.TTL
		m.Items = make([]wire.Item, rapid.IntRange(0, 11).Draw(t, "hit"))
		m.Tally = drawTally(t)
	case wire.KindReport:
		m.Tally = drawTally(t)
	case wire.KindAck:
		m.Nonce = uint32(rapid.IntRange(0, 20).Draw(t, "nonce"))
		m.Found = rapid.SampledFrom([]uint16{0, 1, 65535}).Draw(t, "found")
	case wire.KindSummary:
		m.Summary = drawSummary(t, ev.Peer)
	case wire.KindSummaryWant, wire.KindWithdraw:
		m.Peers = drawPeers(t)
	}
	return m
}
