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

// items makes items of names; name*N is N of them, numbered.
func items(names []string) (all []wire.Item) {
	for _, name := range names {
		name, times, many := strings.Cut(name, "*")
		if !many {
			all = append(all, wire.Item{Name: name})
			continue
		}
		n, _ := strconv.Atoi(times)
		for i := range n {
			all = append(all, wire.Item{Name: fmt.Sprint(name, " ", i)})
		}
	}
	return all
}
