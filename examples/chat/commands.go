package main

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

const help = `/who          who is online
/to WHO       talk with somebody: a number, a name, a peer ID, a multiaddr, HOST:PORT
/leave        end the conversation
/trust        accept the new key of the name that was refused last
/quit         deliver what waits, then end the program
//text        send a text that begins with a slash`

// line does what was typed; false means that the person wants no more.
func (t *talk) line(ctx context.Context, wg *sync.WaitGroup, line string) (more bool) {
	line = strings.TrimRight(line, "\r")
	if strings.TrimSpace(line) == "" {
		return true
	}
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch {
	case strings.HasPrefix(line, "//"):
		line = line[1:]
	case word == "/quit":
		return false
	case word == "/who":
		t.list()
		return true
	case word == "/help":
		t.out.Print("help", program.Fields{"text": help}, "%s", help)
		return true
	case word == "/leave":
		t.leave()
		return true
	case word == "/trust":
		t.trust(ctx, wg)
		return true
	case word == "/to":
		t.open(ctx, wg, rest)
		return true
	case strings.HasPrefix(word, "/") && (t.current != nil || !strings.Contains(word[1:], "/")):
		t.failed++
		t.out.Print("unknown", program.Fields{"line": line}, "! there is no command %s; /help lists them; //text sends /text", display.Line(word))
		return true
	}
	if t.current == nil {
		t.open(ctx, wg, line)
	} else {
		t.say(ctx, line)
	}
	return true
}

func (t *talk) leave() {
	if t.current == nil {
		t.out.Print("left", nil, "you talk with nobody")
		return
	}
	c := t.current
	if n := t.waiting(c); n > 0 {
		t.out.Print("waiting", program.Fields{"undelivered": n}, "! not left%s; /quit waits for a while", undelivered(n))
		return
	}
	if err := c.Close(); err != nil {
		t.out.Print("warning", program.Fields{"error": err.Error()}, "! %s", err)
	}
	delete(t.gone, c)
	t.out.Print("left", program.Fields{"name": c.Name(), "id": c.Peer()}, "* you left the conversation with %s", who(c))
	t.choose(nil)
}

func (t *talk) trust(ctx context.Context, wg *sync.WaitGroup) {
	d := t.doubtful
	if d == nil {
		t.out.Print("trusted", nil, "no name was refused")
		return
	}
	if err := t.service.Trust(d.Name, d.Found); err != nil {
		t.failed++
		t.out.Print("warning", program.Fields{"error": err.Error()}, "! %s", err)
		return
	}
	t.doubtful = nil
	t.open(ctx, wg, d.Name)
}

// look shows who came and went since the last time.
func (t *talk) look() {
	server := t.roster.server()
	if t.looked && server != t.server {
		switch {
		case server == "":
			t.out.Print("no-server", nil, "* no bootstrap server answers any more: the peers tell who is online")
		case t.server == "":
			t.out.Print("server", program.Fields{"server": server}, "* the bootstrap server %s answers", display.Fingerprint(server.String()))
		default:
			t.out.Print("server", program.Fields{"server": server}, "* using the bootstrap server %s now", display.Fingerprint(server.String()))
		}
	}
	t.server = server
	people := t.roster.online(server != "", time.Now())
	before := t.shown
	t.shown = make(map[peer.ID]person, len(people))
	for _, p := range people {
		t.shown[p.id] = p
	}
	if !t.looked {
		t.looked = true
		t.list()
		return
	}
	for _, p := range people {
		if old, known := before[p.id]; !known || old.name != p.name {
			t.out.Print("online", p.fields(), "+ %d %s is online", p.number, display.Peer(p.name, p.id.String()))
		}
	}
	gone := 0
	for id, p := range before {
		if _, still := t.shown[id]; !still {
			gone++
			t.out.Print("offline", p.fields(), "- %d %s is offline", p.number, display.Peer(p.name, p.id.String()))
		}
	}
	if gone > 0 && len(people) == 0 {
		t.out.Print("alone", nil, "nobody else is online")
	}
}

func (p person) fields() program.Fields {
	return program.Fields{"number": p.number, "name": p.name, "id": p.id}
}

// list shows who is online.
func (t *talk) list() {
	people := t.roster.online(t.server != "", time.Now())
	source := "from the peers themselves"
	if t.server != "" {
		source = "from the bootstrap server " + display.Fingerprint(t.server.String())
	}
	all := make([]program.Fields, len(people))
	for i, p := range people {
		all[i] = p.fields()
	}
	if len(people) == 0 {
		t.out.Print("who", program.Fields{"people": all}, "nobody else is online (%s)", source)
		return
	}
	t.out.Print("who", program.Fields{"people": all}, "online (%s):", source)
	for _, p := range people {
		t.out.Detail("  %d  %s", p.number, display.Peer(p.name, p.id.String()))
	}
}
