package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/p2p"
)

const (
	// lookTime is how often it is looked whether a server answers.
	lookTime = time.Second
	// relistTime is how long to wait before asking servers again that did not answer.
	relistTime = 2 * time.Second
	// announceTime is how long the servers' last word holds when none answers any
	// more: within it every peer has announced itself.
	announceTime = 30 * time.Second
)

// person is somebody who is online.
type person struct {
	number int // under which they can be chosen, as long as the program runs
	name   string
	id     peer.ID
}

// roster is who is online: by the word of the bootstrap servers, or of the peers
// themselves when no server is left.
type roster struct {
	self    *program.Peer
	changed chan struct{} // there may be something new

	mu        sync.Mutex
	lost      time.Time                   // when the last server did not answer any more
	linked    map[peer.ID]bool            // who was connected to us since then
	directory map[peer.ID]map[string]bool // the names of those online
	numbers   map[peer.ID]int
}

func newRoster(self *program.Peer) *roster {
	return &roster{
		self: self, changed: make(chan struct{}, 1),
		directory: make(map[peer.ID]map[string]bool), numbers: make(map[peer.ID]int),
		linked: make(map[peer.ID]bool),
	}
}

// follow keeps the roster up to date until ctx ends.
func (r *roster) follow(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	presence := r.self.Node.Events(ctx)
	wg.Go(func() {
		for ev, err := range presence {
			if err == nil {
				r.heard(ev)
			}
			r.poke() // a lag says as much as an event: look again
		}
	})
	if r.self.Directory != nil {
		wg.Go(func() { r.watch(ctx) })
	}
	every := time.NewTicker(lookTime)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
			r.poke()
		}
	}
}

func (r *roster) poke() {
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// heard forgets who says goodbye when no server is there to tell.
func (r *roster) heard(ev p2p.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ev.Kind == p2p.PresenceDown && !r.lost.IsZero() {
		delete(r.directory, ev.Peer)
	}
}

// watch follows the directory.
func (r *roster) watch(ctx context.Context) {
	for ctx.Err() == nil {
		revision, err := r.list(ctx)
		if err != nil {
			select {
			case <-time.After(relistTime):
			case <-ctx.Done():
			}
			continue
		}
		for change, err := range r.self.Directory.Watch(ctx, revision) {
			if err != nil {
				break // too slow: from a new list
			}
			r.take(change.Record, change.Kind)
			r.poke()
		}
	}
}

// list takes all that the directory knows.
func (r *roster) list(ctx context.Context) (revision uint64, err error) {
	records, revision, err := r.self.Directory.List(ctx)
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	clear(r.directory)
	r.mu.Unlock()
	for _, record := range records {
		r.take(record, bootstrap.Joined)
	}
	r.poke()
	return revision, nil
}

func (r *roster) take(record bootstrap.Record, kind bootstrap.ChangeKind) {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := record.Peer.ID
	gone := kind == bootstrap.Away || kind == bootstrap.Left || kind == bootstrap.Expired
	switch {
	case id == r.self.Node.ID(), record.Name == "": // those without a name do not chat
	case gone || !record.Online:
		delete(r.directory[id], record.Name)
		if len(r.directory[id]) == 0 {
			delete(r.directory, id)
		}
	default:
		if r.directory[id] == nil {
			r.directory[id] = make(map[string]bool)
		}
		r.directory[id][record.Name] = true
	}
}

// server is the bootstrap server that the roster comes from, "" if none answers.
func (r *roster) server() peer.ID {
	if r.self.Directory == nil {
		return ""
	}
	for _, s := range r.self.Directory.Servers() {
		if r.self.Node.Host().Network().Connectedness(s.Server.ID) == network.Connected && (s.Connected || errors.Is(s.Err, bootstrap.ErrBusy)) {
			return s.Server.ID
		}
	}
	return ""
}

// forgetUnlinked drops from the servers' last word those whose connection to us has
// ended since. It is called with mu held.
func (r *roster) forgetUnlinked() {
	for id := range r.directory {
		if r.self.Node.Host().Network().Connectedness(id) == network.Connected {
			r.linked[id] = true
		} else if r.linked[id] {
			delete(r.directory, id)
		}
	}
}

// online lists who is there at the moment now, by number.
func (r *roster) online(fromServer bool, now time.Time) []person {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case fromServer:
		r.lost = time.Time{}
		clear(r.linked)
	case r.lost.IsZero():
		r.lost = now
	}
	if !fromServer {
		r.forgetUnlinked()
	}
	names := make(map[peer.ID]string)
	if fromServer || now.Sub(r.lost) < announceTime {
		for id, all := range r.directory {
			names[id] = slices.Max(slices.Collect(maps.Keys(all))) // of several names always the same
		}
	}
	if !fromServer {
		for _, o := range r.self.Node.Online() {
			names[o.ID] = o.Name
		}
	}
	people := make([]person, 0, len(names))
	for id, name := range names {
		people = append(people, person{name: name, id: id})
	}
	slices.SortFunc(people, func(a, b person) int { return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.id, b.id)) })
	for i := range people {
		number := r.numbers[people[i].id]
		if number == 0 {
			number = len(r.numbers) + 1
			r.numbers[people[i].id] = number
		}
		people[i].number = number
	}
	slices.SortFunc(people, func(a, b person) int { return cmp.Compare(a.number, b.number) })
	return people
}
