package overlay

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// What the core does, in the words of a transcript.

var (
	effectNames = [...]string{Send: "send", Close: "close", Up: "up", Down: "down", Match: "match", Deliver: "deliver", Done: "done", Probe: "probe"}
	reasonNames = [...]string{"", "replaced", "left", "lost", "silent", "hostile", "transient"}
	kindNames   = [...]string{
		wire.KindJoin: "join", wire.KindForwardJoin: "forward-join", wire.KindNeighbour: "neighbour",
		wire.KindNeighbourReply: "reply", wire.KindDisconnect: "disconnect", wire.KindShuffle: "shuffle",
		wire.KindShuffleReply: "shuffle-reply", wire.KindPing: "ping", wire.KindPong: "pong",
		wire.KindQuery: "query", wire.KindHit: "hit", wire.KindAck: "ack", wire.KindReport: "report",
		wire.KindSummary: "summary", wire.KindSummaryWant: "want", wire.KindWithdraw: "withdraw",
	}
)

func (s *script) show(effects []Effect, when string) {
	for i := range effects {
		e := &effects[i]
		fmt.Fprintf(&s.out, "  %s%s", when, effectNames[e.Kind])
		if e.Peer != "" {
			fmt.Fprintf(&s.out, " %s", e.Peer)
		}
		switch e.Kind {
		case Send, Deliver:
			s.showMessage(&e.Msg)
		case Close, Down:
			fmt.Fprintf(&s.out, " %s", reasonNames[e.Reason])
		case Done:
			fmt.Fprintf(&s.out, " %d", e.GUID[0])
			s.showTally(e.Msg.Tally)
		case Match:
			fmt.Fprintf(&s.out, " %d hops=%d %s", e.GUID[0], e.Hops, strings.Join(e.Query.Words, " "))
		}
		s.out.WriteString("\n")
	}
}

func (s *script) showMessage(m *wire.Message) {
	fmt.Fprintf(&s.out, " %s", kindNames[m.Kind])
	list := func() {
		for i := range m.Contacts {
			fmt.Fprintf(&s.out, " %s", m.Contacts[i].Peer)
		}
	}
	switch m.Kind {
	case wire.KindForwardJoin:
		fmt.Fprintf(&s.out, " %s ttl=%d", m.Contact.Peer, m.TTL)
	case wire.KindJoin:
		s.flag(m.Leaf, " leaf", "")
	case wire.KindNeighbour:
		s.flag(m.Flag, " urgent", "")
		s.flag(m.Leaf, " leaf", "")
	case wire.KindNeighbourReply:
		s.flag(m.Flag, " yes", " no")
	case wire.KindDisconnect:
		s.flag(m.Flag, " leaving", "")
	case wire.KindShuffle:
		fmt.Fprintf(&s.out, " %s ttl=%d", m.Contact.Peer, m.TTL)
		s.flag(m.Nonce == theirNonce, " theirs", "")
		list()
	case wire.KindShuffleReply:
		s.flag(m.Nonce == theirNonce, " theirs", "")
		list()
	case wire.KindQuery:
		fmt.Fprintf(&s.out, " %s ttl=%d hops=%d %s", s.attempt(m.GUID), m.TTL, m.Hops, strings.Join(m.Query.Words, " "))
		s.showWalk(m)
	case wire.KindHit:
		fmt.Fprintf(&s.out, " %s from=%s hops=%d items=%d", s.attempt(m.GUID), m.Contact.Peer, m.Hops, len(m.Items))
		if m.Tally != nil && len(m.Tally.Trace) > 0 {
			s.out.WriteString(" by")
			for _, step := range m.Tally.Trace {
				fmt.Fprintf(&s.out, " %s", step.Peer)
			}
		}
	case wire.KindAck:
		fmt.Fprintf(&s.out, " %s nonce=%d found=%d", s.attempt(m.GUID), m.Nonce, m.Found)
	case wire.KindReport:
		fmt.Fprintf(&s.out, " %s", s.attempt(m.GUID))
		s.showTally(m.Tally)
	case wire.KindSummary:
		fmt.Fprintf(&s.out, " of=%s", m.Summary.Origin)
		s.flag(m.Summary.Base != 0, " delta", "")
		s.flag(m.Summary.Leaf, " leaf", "")
	case wire.KindSummaryWant, wire.KindWithdraw:
		for _, p := range m.Peers {
			fmt.Fprintf(&s.out, " %s", p)
		}
	}
}

func (s *script) showWalk(m *wire.Message) {
	w := m.Walk
	if w == nil {
		return
	}
	fmt.Fprintf(&s.out, " %s", [...]string{"", "probe", "guided", "survey", "random"}[w.Kind])
	if w.Target != "" {
		fmt.Fprintf(&s.out, " to=%s", w.Target)
	}
	if m.Nonce != 0 {
		fmt.Fprintf(&s.out, " nonce=%d", m.Nonce)
	}
	s.flag(w.Careful, " careful", "")
	if len(w.Tried) > 0 {
		fmt.Fprintf(&s.out, " tried=%d", len(w.Tried))
	}
	s.flag(w.Asker.Peer != "", " asker="+string(w.Asker.Peer), "")
}

func (s *script) showTally(t *wire.Tally) {
	fmt.Fprintf(&s.out, " messages=%d asked=%d found=%d", t.Messages, t.Asked, t.Found)
	if t.Known > 0 {
		fmt.Fprintf(&s.out, " covered=%.2f", 1-float64(t.Fresh)/float64(t.Known))
	}
	if t.Unreachable+t.Stale > 0 {
		fmt.Fprintf(&s.out, " unreachable=%d stale=%d", t.Unreachable, t.Stale)
	}
}

// attempt writes a GUID as its search and, after a point, the attempt.
func (s *script) attempt(g wire.GUID) string {
	if name := s.names[g]; name != "" {
		return name
	}
	if g[15] == 0 {
		return strconv.Itoa(int(g[0]))
	}
	return fmt.Sprintf("%d.%d", g[0], g[15])
}

func (s *script) flag(set bool, yes, no string) {
	if set {
		s.out.WriteString(yes)
	} else {
		s.out.WriteString(no)
	}
}
