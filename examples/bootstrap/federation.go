package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

type federationCmd struct {
	Status statusCmd `cmd:"" default:"1" help:"Show the servers: who leads, who answers, who is behind."`
	Add    addCmd    `cmd:"" help:"Admit a server, which waits for it (bootstrap serve --federation)."`
	Remove removeCmd `cmd:"" help:"Take a server out, so that it counts no longer: one to be stopped, or one that is lost."`
}

type statusCmd struct{}

// Run prints the members.
func (*statusCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	s, err := c.status(ctx)
	if err != nil {
		return err
	}
	voters, answering := s.votes()
	out.Print("federation", program.Fields{
		"ok": true, "self": s.Self, "addr": s.Addr, "members": s.Members, "admitted": s.admitted(),
		"voters": voters, "answering": answering, "leader": s.leader(), "grants": s.grants(),
	}, "%s", s)
	return nil
}

type addCmd struct {
	Addr string `arg:"" help:"The first line of the new server's output: its multiaddr with /p2p/." placeholder:"ADDR"`
}

// Validate is called by kong.
func (a *addCmd) Validate() error {
	_, err := program.ParsePeers([]string{a.Addr})
	return err
}

// Run adds a server and tells how it goes.
func (a *addCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	added, err := program.ParsePeers([]string{a.Addr})
	if err != nil {
		return err
	}
	id := added[0].ID
	before, err := c.status(ctx)
	switch {
	case err != nil:
		return err
	case !before.admitted():
		return errors.New("this server waits to be admitted itself; type the command on a member's machine")
	}
	if m, is := before.member(id); is && m.Voter {
		out.Print("added", program.Fields{"ok": true, "id": id, "was": true}, "%s is a server of the federation already", id)
		return nil
	}
	short := display.Fingerprint(id.String())
	out.Print("asking", program.Fields{"id": id}, "asking %s to join, for %s at most", short, joinTime)
	out.Detail("it has to run, with a new data folder and the address of a member:\n  bootstrap serve --federation %s", before.Addr)
	var admitted bool
	err = c.change(ctx, http.MethodPost, "/members", map[string]string{"addr": a.Addr}, func(p progress) {
		if p.Admitted {
			if !admitted {
				out.Print("admitted", program.Fields{"id": id, "behind": p.Behind}, "%s is admitted, and gets what the others know", short)
			} else {
				out.Print("behind", program.Fields{"id": id, "behind": p.Behind}, "%s is behind by %d of the log's entries", short, p.Behind)
			}
			admitted = true
		}
	})
	if err != nil {
		return err
	}
	s, err := c.status(ctx)
	if err != nil {
		return err
	}
	out.Print("added", program.Fields{"ok": true, "id": id, "was": false, "members": s.Members},
		"%s has a vote now\n%s", short, s)
	out.Detail("give peers its address too: --bootstrap %s", a.reachedAt(s))
	return nil
}

// reachedAt is the address that was typed, and what the server says of itself where that
// is another: the typed one may be a name or a router's, or lead nowhere if there was a
// connection already.
func (a *addCmd) reachedAt(s status) string {
	added, _ := program.ParsePeers([]string{a.Addr}) // as Validate has
	m, _ := s.member(added[0].ID)
	if len(m.Addrs) == 0 || slices.Contains(m.Addrs, a.Addr) {
		return a.Addr
	}
	return fmt.Sprintf("%s\n  (the server itself says: %s)", a.Addr, strings.Join(m.Addrs, ", "))
}

type removeCmd struct {
	Peer string `arg:"" help:"Peer ID of the server, or the end of it that status shows." placeholder:"PEER-ID"`
}

// Validate is called by kong.
func (r *removeCmd) Validate() error {
	if _, err := peer.Decode(r.Peer); err != nil && len(r.end()) != shortID {
		return fmt.Errorf("%q is no peer ID, nor the end of one as \"bootstrap federation status\" shows it", r.Peer)
	}
	return nil
}

// shortID is the length of what is shown of a peer ID.
const shortID = 8

// end is what was typed of the end of a peer ID.
func (r *removeCmd) end() string { return strings.TrimPrefix(r.Peer, "…") }

// find finds out which server is meant.
func (r *removeCmd) find(ctx context.Context, c *cli) (peer.ID, error) {
	if id, err := peer.Decode(r.Peer); err == nil {
		return id, nil
	}
	s, err := c.status(ctx)
	if err != nil {
		return "", err
	}
	var meant []peer.ID
	for _, m := range s.Members { // one that is taken back is there twice
		if strings.HasSuffix(m.ID.String(), r.end()) && !slices.Contains(meant, m.ID) {
			meant = append(meant, m.ID)
		}
	}
	switch len(meant) {
	case 0:
		return "", fmt.Errorf("no server of this federation has a peer ID that ends in %q; \"bootstrap federation status\" shows which are", r.end())
	case 1:
		return meant[0], nil
	}
	return "", fmt.Errorf("%q is the end of %d peer IDs of the federation; \"bootstrap federation status --json\" shows them whole", r.end(), len(meant))
}

// Run removes a server.
func (r *removeCmd) Run(ctx context.Context, c *cli, out *program.Output) error {
	id, err := r.find(ctx, c)
	if err != nil {
		return err
	}
	if err := c.change(ctx, http.MethodDelete, "/members/"+id.String(), nil, func(progress) {}); err != nil {
		return err
	}
	s, err := c.status(ctx)
	if err != nil {
		return err
	}
	out.Print("removed", program.Fields{"ok": true, "id": id, "members": s.Members}, "%s is out of the federation", display.Fingerprint(id.String()))
	if id == s.Self {
		out.Detail("this is its own server: stop it, or add it again at another")
	} else {
		out.Detail("stop it if it still runs; it can be added again\n%s", s)
	}
	return nil
}

// votes counts the servers that have one, and those of them that answer.
func (s status) votes() (voters, answering int) {
	for _, m := range s.Members {
		if m.Voter {
			voters++
			if m.Answers {
				answering++
			}
		}
	}
	return voters, answering
}

// leader is the one that orders the claims, if there is one.
func (s status) leader() string {
	for _, m := range s.Members {
		if m.Leader && m.Answers {
			return m.ID.String()
		}
	}
	return ""
}

func (s status) admitted() bool {
	_, is := s.member(s.Self)
	return is
}

// grants tells whether names are granted, as far as the server that was asked knows.
func (s status) grants() bool {
	voters, answering := s.votes()
	return s.admitted() && s.leader() != "" && answering > voters/2
}

// String is the status for a person.
func (s status) String() string {
	if !s.admitted() {
		return waiting(s.Addr)
	}
	var b bytes.Buffer
	table := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SERVER\tSTATE\tVOTE\tBEHIND\tADDRESS")
	for _, m := range s.Members {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", display.Fingerprint(m.ID.String()), m.state(s.Self), yes(m.Voter), m.lag(), m.addr())
	}
	_ = table.Flush() // to memory
	voters, answering := s.votes()
	needed := voters/2 + 1
	granted := "names are granted"
	switch {
	case s.grants():
	case answering < needed:
		granted = "no name is granted; everything else goes on"
	default:
		granted = "no name is granted until one leads"
	}
	fmt.Fprintf(&b, "%d of %d votes answer, %d needed: %s", answering, voters, needed, granted)
	if spare := answering - needed; s.grants() && spare == 0 && voters > 1 {
		b.WriteString(", until one more is lost")
	}
	return b.String()
}

func (m member) state(self peer.ID) string {
	state := "answers"
	switch {
	case !m.Answers:
		state = "silent"
	case m.Leader:
		state = "leads"
	}
	if m.ID == self {
		state += ", this one"
	}
	return state
}

func (m member) lag() string {
	if !m.Answers {
		return "?"
	}
	return fmt.Sprint(m.Behind)
}

// addr is one of its addresses, without the peer ID.
func (m member) addr() string {
	if len(m.Addrs) == 0 {
		return "-"
	}
	return strings.TrimSuffix(m.Addrs[0], "/p2p/"+m.ID.String())
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "not yet"
}

// waiting says what to do about a server that is no member of a federation.
func waiting(addr string) string {
	return "this server waits to be admitted; on a member's machine type (with its --data):\n  bootstrap federation add " + addr
}
