package main

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/display"
)

// arrivalQueue is the number of connections that wait to be announced; more are
// counted only.
const arrivalQueue = 256

// announcer tells who connects, registers and leaves.
type announcer struct {
	out     *program.Output
	server  *bootstrap.Server
	host    host.Host
	notify  network.Notifiee
	changes iter.Seq2[bootstrap.Change, error]

	arrivals chan arrival
	mu       sync.Mutex // guards missed
	missed   int
}

// arrival is a connection that came or went.
type arrival struct {
	peer peer.ID
	from string
	gone bool
}

// newAnnouncer begins to collect what there is to announce until ctx ends.
func newAnnouncer(ctx context.Context, out *program.Output, server *bootstrap.Server) *announcer {
	a := &announcer{
		out: out, server: server, host: server.Host,
		changes:  server.Watch(ctx),
		arrivals: make(chan arrival, arrivalQueue),
	}
	a.notify = &network.NotifyBundle{
		ConnectedF: func(n network.Network, c network.Conn) {
			if len(n.ConnsToPeer(c.RemotePeer())) == 1 {
				a.queue(arrival{peer: c.RemotePeer(), from: c.RemoteMultiaddr().String()})
			}
		},
		DisconnectedF: func(n network.Network, c network.Conn) {
			if len(n.ConnsToPeer(c.RemotePeer())) == 0 {
				a.queue(arrival{peer: c.RemotePeer(), gone: true})
			}
		},
	}
	a.host.Network().Notify(a.notify)
	return a
}

func (a *announcer) close() error {
	a.host.Network().StopNotify(a.notify)
	return nil
}

func (a *announcer) queue(c arrival) {
	select {
	case a.arrivals <- c:
	default:
		a.mu.Lock()
		a.missed++
		a.mu.Unlock()
	}
}

// run prints until ctx, that of newAnnouncer, ends.
func (a *announcer) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	changes := make(chan bootstrap.Change)
	wg.Go(func() {
		for ctx.Err() == nil {
			a.follow(ctx, changes)
		}
	})
	for {
		select {
		case <-ctx.Done():
			return
		case c := <-a.arrivals:
			a.printArrival(c)
		case c := <-changes:
			a.printChange(c)
		}
	}
}

// follow passes changes on until ctx ends or some were lost.
func (a *announcer) follow(ctx context.Context, changes chan<- bootstrap.Change) {
	for c, err := range a.changes {
		if err != nil {
			if errors.Is(err, bootstrap.ErrLagged) {
				a.out.Print("lagged", nil, "too much happened at once to announce it all")
			}
			break
		}
		select {
		case changes <- c:
		case <-ctx.Done():
			return
		}
	}
	a.changes = a.server.Watch(ctx)
}

func (a *announcer) printArrival(c arrival) {
	a.mu.Lock()
	missed := a.missed
	a.missed = 0
	a.mu.Unlock()
	if missed > 0 {
		a.out.Print("lagged", program.Fields{"count": missed}, "%d more connections came or went", missed)
	}
	id := c.peer.String()
	if c.gone {
		a.out.Print("disconnected", program.Fields{"id": id}, "%s disconnected", display.Fingerprint(id))
		return
	}
	a.out.Print("connected", program.Fields{"id": id, "from": c.from}, "%s connected from %s", display.Fingerprint(id), c.from)
}

func (a *announcer) printChange(c bootstrap.Change) {
	id := c.Record.Peer.ID.String()
	what := map[bootstrap.ChangeKind]string{
		bootstrap.Joined:  "registered",
		bootstrap.Updated: "is here",
		bootstrap.Away:    "is away",
		bootstrap.Left:    "left",
		bootstrap.Expired: "expired",
	}[c.Kind]
	a.out.Print(c.Kind.String(), program.Fields{
		"id": id, "name": c.Record.Name, "addrs": c.Record.Peer.Addrs, "revision": c.Revision,
	}, "%s %s", display.Peer(c.Record.Name, id), what)
}
