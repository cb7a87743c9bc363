package overlay

import (
	"bytes"
	"flag"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

var update = flag.Bool("update", false, "write what the core does into testdata/*.txt")

// TestTranscripts plays every testdata/*.txt: a line is a command, the indented
// lines after it are the effects that must follow. Commands:
//
//	config degree=2 max=3 cache=4 burst=5   first of all; groups=on: a peer's
//	                                        group is what stands before its dash;
//	                                        signed=on: a summary with forged is not
//	                                        its origin's; leaf=on: the node is one
//	join S... | learn P... | lost P | probed P | unreachable P | leave | tick
//	recv P join [leaf] | forward-join J ttl=N | neighbour [urgent|leaf] | reply yes|no [leaf] |
//	       disconnect [leaving] | shuffle O ttl=N P... |
//	       shuffle-reply P... (to the own last one) | unasked-reply P... |
//	       ping | pong | query GUID ttl=N hops=N [trace] WORD... | hit GUID HOLDER ITEM... [by=P,P] [hops=N] |
//	       query GUID ttl=N hops=N probe|guided|survey|random=TARGET [asker=P] [nonce=N]
//	             [past=P,P] [tried=P,P] [found=N] [max=N] [careful=yes] WORD... |
//	       ack GUID nonce=N|last found=N | report GUID MESSAGES [known=N fresh=N] |
//	       summary ORIGIN [seq=N] [forged] WORD... | want P... | withdraw P... |
//	       change ORIGIN base=N from=WORD,WORD WORD...
//	ask GUID [ttl=N] [by=STRATEGY] [max=N] [within=DURATION] [trace] WORD... | matched GUID ITEM... | cancel GUID |
//	       reject GUID HOLDER ITEM            by=flood unless said otherwise
//	share WORD...                           the own index holds these words
//	repeat N COMMAND                        only the last time is shown
//	run DURATION [answered|quiet]           ticks whenever the core wants one;
//	                                        pings are answered, unseen, and if
//	                                        quiet no shuffles and probes are shown
//	late DURATION                           that time goes by without a tick
//	role leaf|relay | strain
//	links P... | leaves P...                makes neighbours of them, unseen
//	known P [ORIGIN...] = WORD...           P tells of these origins, unseen
//	view | cache | origins | stats NAME...
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s: the core does otherwise (-update accepts it):\n%s", file, difference(string(want), got))
			}
		})
	}
}

func difference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d\nwant %s\ngot  %s\n\n%s", i+1, w[i], g[i], got)
		}
	}
	return got
}

// script is a core under a transcript.
type script struct {
	t     *testing.T
	cfg   Config
	core  *Core
	now   time.Time
	start time.Time
	out   bytes.Buffer
	guids int
	seqs  int
	names map[wire.GUID]string // of the attempts of own queries
}

func play(t *testing.T, text string) string {
	s := &script{t: t, cfg: DefaultConfig(), start: time.Unix(1e9, 0), names: map[wire.GUID]string{}}
	s.now = s.start
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue
		}
		s.out.WriteString(line + "\n")
		if line != "" && line[0] != '#' {
			s.command(strings.Fields(line))
		}
	}
	return s.out.String()
}

func (s *script) command(f []string) {
	s.t.Helper()
	if f[0] == "config" {
		s.configure(f[1:])
		return
	}
	if s.core == nil {
		core, err := New(s.cfg, "me", rand.New(rand.NewPCG(1, 2)))
		if err != nil {
			s.t.Fatal(err)
		}
		s.core = core
	}
	switch f[0] {
	case "repeat":
		n := s.number(f[1])
		for range n - 1 {
			kept := s.out.Len()
			s.command(f[2:])
			s.out.Truncate(kept)
		}
		s.command(f[2:])
	case "run":
		s.run(f[1], len(f) > 2, len(f) > 2 && f[2] == "quiet")
	case "late":
		d, err := time.ParseDuration(f[1])
		if err != nil {
			s.t.Fatal(err)
		}
		s.now = s.now.Add(d)
	case "links":
		for _, p := range f[1:] {
			s.unseen("recv", p, "neighbour")
		}
	case "leaves":
		for _, p := range f[1:] {
			s.unseen("recv", p, "neighbour", "leaf")
		}
	case "known":
		at := slices.Index(f, "=")
		for _, origin := range f[2:at] {
			s.unseen(append([]string{"recv", f[1], "summary", origin}, f[at+1:]...)...)
		}
	case "view":
		for _, n := range s.core.Neighbours() {
			fmt.Fprintf(&s.out, "  %s chosen=%v silent=%v", n.Contact.Peer, n.Chosen, n.Silent)
			s.flag(n.Leaf, " leaf\n", "\n")
		}
	case "origins":
		for _, o := range s.core.origins.all {
			if o.peer != "" {
				fmt.Fprintf(&s.out, "  %s links=%d\n", o.peer, bits.OnesCount64(o.via))
			}
		}
	case "cache":
		for _, h := range s.core.HostCache() {
			fmt.Fprintf(&s.out, "  %s verified=%v link=%v oldest=%v\n", h.Contact.Peer, h.Verified, h.Link, h.Oldest)
		}
	case "stats":
		all := fmt.Sprintf("%+v", s.core.Stats())
		for _, name := range f[1:] {
			_, after, ok := strings.Cut(all, name+":")
			if !ok {
				s.t.Fatalf("no counter %q", name)
			}
			fmt.Fprintf(&s.out, "  %s=%s\n", name, strings.FieldsFunc(after, func(r rune) bool { return r == ' ' || r == '}' })[0])
		}
	default:
		s.show(s.core.Handle(s.now, s.event(f)), "")
	}
}

func (s *script) unseen(f ...string) {
	kept := s.out.Len()
	s.command(f)
	s.out.Truncate(kept)
}

func (s *script) configure(f []string) {
	for _, setting := range f {
		name, value, _ := strings.Cut(setting, "=")
		switch name {
		case "degree":
			s.cfg.Degree = s.number(value)
		case "max":
			s.cfg.MaxDegree = s.number(value)
		case "cache":
			s.cfg.CacheSize = s.number(value)
		case "burst":
			s.cfg.QueryBurst = s.number(value)
		case "leaf":
			s.cfg.Leaf = true
		case "signed":
			s.cfg.Prove = func(sum *wire.Summary, _ *summary.Filter) bool { return len(sum.Signature) == 0 }
		case "groups":
			s.cfg.Group = func(c wire.Contact) string {
				group, _, _ := strings.Cut(string(c.Peer), "-")
				return group
			}
		default:
			s.t.Fatalf("no setting %q", name)
		}
	}
}

func (s *script) run(duration string, answered, quiet bool) {
	d, err := time.ParseDuration(duration)
	if err != nil {
		s.t.Fatal(err)
	}
	until := s.now.Add(d)
	for {
		next := s.core.Next()
		if next.IsZero() || next.After(until) {
			break
		}
		s.now = next
		effects := slices.Clone(s.core.Handle(s.now, Event{Kind: Tick}))
		if answered {
			for _, e := range effects {
				if e.Kind == Send && e.Msg.Kind == wire.KindPing {
					s.core.Handle(s.now, Event{Kind: Received, Peer: e.Peer, Msg: wire.Message{Kind: wire.KindPong, Nonce: e.Msg.Nonce}})
				}
			}
			effects = slices.DeleteFunc(effects, func(e Effect) bool { return e.Msg.Kind == wire.KindPing })
		}
		if quiet {
			effects = slices.DeleteFunc(effects, func(e Effect) bool { return e.Kind == Probe || e.Msg.Kind == wire.KindShuffle })
		}
		s.show(effects, s.now.Sub(s.start).Round(time.Millisecond).String()+" ")
	}
	s.now = until
}

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

// filterOf makes the filter of an index whose names are of one word, or of several
// with + between.
func filterOf(names []string) *summary.Filter {
	var b summary.Builder
	for _, name := range names {
		b.Add("", strings.Split(name, "+"))
	}
	return b.Filter()
}

func contacts(names []string) []wire.Contact {
	all := make([]wire.Contact, len(names))
	for i, name := range names {
		all[i].Peer = wire.PeerID(name)
	}
	return all
}

// items makes items of names; name*N is N of them.
func items(names []string) (all []wire.Item) {
	for _, name := range names {
		name, times, ok := strings.Cut(name, "*")
		n := 1
		if ok {
			n, _ = strconv.Atoi(times)
		}
		for range n {
			all = append(all, wire.Item{Name: name})
		}
	}
	return all
}

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

func (s *script) flag(set bool, yes, no string) {
	if set {
		s.out.WriteString(yes)
	} else {
		s.out.WriteString(no)
	}
}
