package overlay

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// What a transcript says, as events and messages.

func (s *script) number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// fields takes ttl=N and hops=N out of f.
func (s *script) fields(f []string) (rest []string, ttl, hops uint8) {
	for _, word := range f {
		switch name, value, ok := strings.Cut(word, "="); {
		case ok && name == "ttl":
			ttl = uint8(s.number(value))
		case ok && name == "hops":
			hops = uint8(s.number(value))
		default:
			rest = append(rest, word)
		}
	}
	return rest, ttl, hops
}

func (s *script) event(f []string) Event {
	rest, ttl, hops := s.fields(f[1:])
	switch f[0] {
	case "join":
		return Event{Kind: Join, Peers: contacts(rest)}
	case "learn":
		return Event{Kind: Learn, Peers: contacts(rest)}
	case "leave":
		return Event{Kind: Leave}
	case "tick":
		return Event{Kind: Tick}
	case "lost":
		return Event{Kind: Lost, Peer: wire.PeerID(rest[0])}
	case "probed":
		return Event{Kind: Probed, Peer: wire.PeerID(rest[0])}
	case "unreachable":
		return Event{Kind: Unreachable, Peer: wire.PeerID(rest[0])}
	case "ask":
		e := Event{Kind: Ask, GUID: s.guid(rest[0]), TTL: ttl, Strategy: Flood}
		s.name(e.GUID)
		q := &wire.Query{Max: 10}
		for _, word := range rest[1:] {
			switch name, value, _ := strings.Cut(word, "="); name {
			case "by":
				e.Strategy = s.strategy(value)
			case "max":
				q.Max = uint16(s.number(value))
			case "within":
				within, err := time.ParseDuration(value)
				if err != nil {
					s.t.Fatal(err)
				}
				e.Within = within
			case "trace":
				q.Trace = true
			default:
				q.Words = append(q.Words, word)
			}
		}
		e.Query = q
		return e
	case "reject":
		return Event{Kind: Reject, GUID: s.guid(rest[0]), Peer: wire.PeerID(rest[1]), Items: items(rest[2:])}
	case "share":
		return Event{Kind: Share, Filter: filterOf(rest)}
	case "role":
		return Event{Kind: Role, Leaf: rest[0] == "leaf"}
	case "strain":
		return Event{Kind: Strain}
	case "matched":
		return Event{Kind: Matched, GUID: s.guid(rest[0]), Items: items(rest[1:])}
	case "cancel":
		return Event{Kind: Cancel, GUID: s.guid(rest[0])}
	case "recv":
		from := wire.PeerID(rest[0])
		return Event{
			Kind: Received, Peer: from, Peers: []wire.Contact{{Peer: from}},
			Msg: s.message(from, rest[1:], ttl, hops),
		}
	}
	s.t.Fatalf("no command %q", f[0])
	return Event{}
}

// theirNonce is that of the shuffles that others send.
const theirNonce = 7

func (s *script) message(from wire.PeerID, f []string, ttl, hops uint8) wire.Message {
	has := func(word string) bool { return slices.Contains(f[1:], word) }
	m := wire.Message{TTL: ttl, Hops: hops}
	switch f[0] {
	case "join":
		m.Kind, m.Contact.Peer, m.Leaf = wire.KindJoin, from, has("leaf")
	case "join-for":
		m.Kind, m.Contact.Peer = wire.KindJoin, wire.PeerID(f[1])
	case "forward-join":
		m.Kind, m.Contact.Peer = wire.KindForwardJoin, wire.PeerID(f[1])
	case "neighbour":
		m.Kind, m.Flag = wire.KindNeighbour, has("urgent")
		m.Leaf = has("leaf")
	case "reply":
		m.Kind, m.Flag = wire.KindNeighbourReply, has("yes")
		m.Leaf = has("leaf")
	case "disconnect":
		m.Kind, m.Flag = wire.KindDisconnect, has("leaving")
	case "shuffle":
		m.Kind, m.Contact.Peer, m.Contacts = wire.KindShuffle, wire.PeerID(f[1]), contacts(f[2:])
		m.Nonce = theirNonce
	case "shuffle-reply":
		m.Kind, m.Contacts, m.Nonce = wire.KindShuffleReply, contacts(f[1:]), s.core.shuffles.nonce
	case "unasked-reply":
		m.Kind, m.Contacts, m.Nonce = wire.KindShuffleReply, contacts(f[1:]), theirNonce
	case "ping":
		m.Kind = wire.KindPing
	case "pong":
		m.Kind = wire.KindPong
		if l := s.core.links[from]; l != nil {
			m.Nonce = l.nonce
		}
	case "query":
		m.Kind, m.GUID, m.Query = wire.KindQuery, s.guid(f[1]), &wire.Query{Max: 10}
		for _, word := range f[2:] {
			switch name, value, ok := strings.Cut(word, "="); {
			case word == "trace":
				m.Query.Trace = true
			case ok:
				s.walk(&m, name, value)
			default:
				m.Query.Words = append(m.Query.Words, word)
			}
		}
	case "hit":
		m.Kind, m.GUID, m.Contact.Peer, m.Items = wire.KindHit, s.guid(f[1]), wire.PeerID(f[2]), items(f[3:])
		if by, ok := strings.CutPrefix(f[len(f)-1], "by="); ok {
			m.Items, m.Tally = items(f[3:len(f)-1]), &wire.Tally{}
			for peer := range strings.SplitSeq(by, ",") {
				m.Tally.Trace = append(m.Tally.Trace, wire.Step{Peer: wire.PeerID(peer)})
			}
		}
	case "ack":
		m.Kind, m.GUID = wire.KindAck, s.guid(f[1])
		for _, word := range f[2:] {
			switch name, value, _ := strings.Cut(word, "="); name {
			case "nonce":
				if m.Nonce = s.core.nonce; value != "last" {
					m.Nonce = uint32(s.number(value))
				}
			case "found":
				m.Found = uint16(s.number(value))
			}
		}
	case "report":
		m.Kind, m.GUID, m.Contact.Peer, m.Tally = wire.KindReport, s.guid(f[1]), from, &wire.Tally{Messages: uint32(s.number(f[2]))}
		for _, word := range f[3:] {
			switch name, value, _ := strings.Cut(word, "="); name {
			case "known":
				m.Tally.Known = uint32(s.number(value))
			case "fresh":
				m.Tally.Fresh = uint32(s.number(value))
			}
		}
	case "summary", "change":
		m.Kind, m.Summary = wire.KindSummary, s.summary(f)
	case "want":
		m.Kind, m.Peers = wire.KindSummaryWant, peersOf(nil, contacts(f[1:]))
	case "withdraw":
		m.Kind, m.Peers = wire.KindWithdraw, peersOf(nil, contacts(f[1:]))
	case "kind":
		m.Kind = wire.Kind(s.number(f[1]))
	default:
		s.t.Fatalf("no message %q", f[0])
	}
	return m
}

// summary makes a whole one, or a change to one.
func (s *script) summary(f []string) *wire.Summary {
	s.seqs++
	sum := &wire.Summary{Origin: wire.PeerID(f[1]), Seq: uint64(s.seqs)}
	var before, words []string
	for _, word := range f[2:] {
		switch name, value, _ := strings.Cut(word, "="); name {
		case "seq":
			sum.Seq = uint64(s.number(value))
		case "base":
			sum.Base = uint64(s.number(value))
		case "from":
			before = strings.Split(value, ",")
		case "forged":
			sum.Signature = []byte("forged")
		case "leaf":
			sum.Leaf = true
		default:
			words = append(words, word)
		}
	}
	if sum.Filter = filterOf(words); sum.Base != 0 {
		sum.Delta, sum.Filter = filterOf(before).Delta(sum.Filter), nil
	}
	return sum
}

// guid makes a GUID of a number; "next" is a new one every time.
func (s *script) guid(text string) (g wire.GUID) {
	if text == "next" {
		s.guids++
		g[14], g[13], g[12] = byte(s.guids), byte(s.guids>>8), 1
		return g
	}
	for g, name := range s.names {
		if name == text {
			return g
		}
	}
	base, attempt, _ := strings.Cut(text, ".")
	g[0] = byte(s.number(base))
	if attempt != "" {
		g[15] = byte(s.number(attempt))
	}
	return g
}

// name gives the attempts of an own query their names.
func (s *script) name(g wire.GUID) {
	own := &search{guid: g}
	for number := range uint8(MaxAttempts) {
		attempt := own.guidOf(number + 1)
		s.names[attempt] = fmt.Sprintf("%d.%d", g[0], number+1)
		s.names[Aside(attempt)] = fmt.Sprintf("%d.%d", g[0], sideAttempt|(number+1))
	}
}

func (s *script) strategy(name string) Strategy {
	for by := range strategies {
		if by.String() == name {
			return by
		}
	}
	s.t.Fatalf("no strategy %q", name)
	return 0
}

// walk sets a field of a walk: probe=, guided=, survey= or random= with its target, or
// none; asker=, nonce=, found=, max=.
func (s *script) walk(m *wire.Message, name, value string) {
	if m.Walk == nil {
		m.Walk = &wire.Walk{}
	}
	switch name {
	case "probe", "guided", "survey", "random":
		m.Walk.Kind = map[string]wire.WalkKind{
			"probe": wire.WalkProbe, "guided": wire.WalkGuided, "survey": wire.WalkSurvey, "random": wire.WalkRandom,
		}[name]
		m.Walk.Target = wire.PeerID(value)
		if name == "survey" {
			m.Walk.Seen = make([]byte, wire.MaxSeen)
		}
	case "asker":
		m.Walk.Asker.Peer = wire.PeerID(value)
	case "nonce":
		m.Nonce = uint32(s.number(value))
	case "found":
		m.Walk.Tally.Found = uint32(s.number(value))
	case "max":
		m.Query.Max = uint16(s.number(value))
	case "past":
		m.Walk.Past = marks(value)
	case "tried":
		m.Walk.Tried = marks(value)
	case "careful":
		m.Walk.Careful = true
	case "kind":
		m.Walk.Kind = wire.WalkKind(s.number(value))
	default:
		s.t.Fatalf("no field %q of a walk", name)
	}
}

func marks(names string) (all []uint32) {
	for name := range strings.SplitSeq(names, ",") {
		all = append(all, wire.PeerID(name).Mark())
	}
	return all
}
