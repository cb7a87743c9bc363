package main

import (
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

// lookTime is how often the members are looked at.
const lookTime = time.Second

// announceFellows tells how the federation changes, and what a server that is no
// member of one waits for, until ctx ends.
func announceFellows(ctx context.Context, out *program.Output, o *operator) {
	every := time.NewTicker(lookTime)
	defer every.Stop()
	last := status{Self: o.self, Members: []member{{ID: o.self, Voter: true, Answers: true, Leader: true}}}
	for {
		now := o.status()
		announceAdmission(out, last, now)
		if now.admitted() {
			announceMembers(out, last, now)
		}
		last = now
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

func announceAdmission(out *program.Output, last, now status) {
	switch {
	case last.admitted() && !now.admitted():
		out.Print("waiting", program.Fields{"addr": now.Addr}, "%s", waiting(now.Addr))
	case !last.admitted() && now.admitted():
		out.Print("admitted", program.Fields{"members": now.Members}, "this server is admitted to the federation")
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
			out.Print("leader", program.Fields{"id": nil}, "nobody leads the federation: no name is granted until a majority of its servers answers")
		case now.Self.String():
			out.Print("leader", program.Fields{"id": leader}, "this server leads the federation now")
		default:
			out.Print("leader", program.Fields{"id": leader}, "the server %s leads the federation now", display.Fingerprint(leader))
		}
	}
}

func server(id peer.ID) string { return "the server " + display.Fingerprint(id.String()) }
