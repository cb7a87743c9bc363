package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

const (
	// lookTime is how often the members are looked at.
	lookTime = time.Second
	// steady is how many looks in a row have to show the same before it is told:
	// elections take a moment, and a server that was just started knows little.
	steady = 4
)

// announceFellows tells how the federation changes, and what a server that is no
// member of one waits for, until ctx ends.
func announceFellows(ctx context.Context, out *program.Output, o *operator) {
	every := time.NewTicker(lookTime)
	defer every.Stop()
	told := status{Self: o.self, Members: []member{{ID: o.self, Voter: true, Answers: true, Leader: true}}}
	last, same := told, 0
	for {
		now := o.status(o.Members())
		if same++; now.outline() != last.outline() {
			same = 1
		}
		last = now
		switch {
		case now.admitted() != told.admitted():
			announceAdmission(out, now)
			told.Members = now.Members
		case now.admitted() && same >= steady:
			announceMembers(out, told, now)
			told = now
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// outline is what is announced of a status.
func (s status) outline() string {
	var b strings.Builder
	for _, m := range s.Members {
		fmt.Fprint(&b, m.ID, m.Voter, m.Leader, m.Answers, ";")
	}
	return b.String()
}

func announceAdmission(out *program.Output, now status) {
	if now.admitted() {
		out.Print("admitted", program.Fields{"members": now.Members}, "this server is admitted to the federation")
	} else {
		out.Print("waiting", program.Fields{"addr": now.Addr}, "%s", waiting(now.Addr))
	}
}

func announceMembers(out *program.Output, last, now status) {
	tell := func(event string, id peer.ID, what string) {
		if id != now.Self {
			out.Print(event, program.Fields{"id": id}, "%s %s", server(id), what)
		}
	}
	for _, m := range now.Members {
		was, known := last.member(m.ID)
		switch {
		case !known:
			tell("member", m.ID, "is in the federation")
		case m.Voter && !was.Voter:
			tell("voter", m.ID, "has a vote now")
		}
		if m.Answers != (was.Answers || !known) {
			event, what := "server-down", "does not answer"
			if m.Answers {
				event, what = "server-up", "answers again"
			}
			tell(event, m.ID, what)
		}
	}
	for _, m := range last.Members {
		if _, is := now.member(m.ID); !is {
			tell("member-gone", m.ID, "is out of the federation")
		}
	}
	if now.leader() != last.leader() {
		switch leader := now.leader(); leader {
		case "":
			out.Print("leader", program.Fields{"id": nil}, "nobody leads the federation: no name is granted until a majority answers")
		case now.Self.String():
			out.Print("leader", program.Fields{"id": leader}, "this server leads the federation now")
		default:
			out.Print("leader", program.Fields{"id": leader}, "the server %s leads the federation now", display.Fingerprint(leader))
		}
	}
}

func server(id peer.ID) string { return "the server " + display.Fingerprint(id.String()) }
