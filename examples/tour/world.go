package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/backup"
	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/chat"
	"github.com/grapevine-p2p/grapevine/internal/fabric"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// degree is the number of neighbours of each peer: few, so that queries travel.
const degree = 3

// quota is what each peer gives for backups of others.
const quota = 1 << 30

// world is everything that runs: servers and peers in one process.
type world struct {
	fabric  fabric.Fabric
	temp    string
	log     *slog.Logger
	servers []*server
	peers   []*person
}

type server struct {
	*bootstrap.Server
	host host.Host
}

// person is a peer with all that a person runs on it.
type person struct {
	name      string
	host      host.Host
	node      *p2p.Node
	directory *bootstrap.Client // nil if it entered through a peer
	chat      *chat.Service
	backup    *backup.Service
	cut       bool
}

func newWorld(temp string, log *slog.Logger) *world { return &world{temp: temp, log: log} }

// addServer starts a server. The first founds a federation, which admits the others.
func (w *world) addServer(ctx context.Context) error {
	h, err := w.fabric.NewHost(nil)
	if err != nil {
		return err
	}
	// It has no logger: that its fellows stop is a part of the story.
	s := &server{&bootstrap.Server{Host: h, Federation: w.contacts()}, h}
	w.servers = append(w.servers, s)
	if err := s.Start(ctx); err != nil || len(w.servers) == 1 {
		return err
	}
	return w.servers[0].AddServer(ctx, peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()})
}

func (w *world) contacts() (servers []peer.AddrInfo) {
	for _, s := range w.servers {
		servers = append(servers, peer.AddrInfo{ID: s.host.ID(), Addrs: s.host.Addrs()})
	}
	return servers
}

func (w *world) stopServers() error {
	var err error
	for _, s := range w.servers {
		err = errors.Join(err, s.Close(), s.host.Close())
	}
	w.servers = nil
	return err
}

// newPerson makes a peer that knows nobody yet.
func (w *world) newPerson(name string, backupOpts ...backup.Option) (*person, error) {
	h, err := w.fabric.NewHost(nil)
	if err != nil {
		return nil, err
	}
	p := &person{name: name, host: h}
	w.peers = append(w.peers, p)
	log := w.log.With("peer", name)
	if p.node, err = p2p.New(p2p.WithHost(h), p2p.WithDegree(degree), p2p.WithLogger(log)); err != nil {
		return nil, err
	}
	if servers := w.contacts(); len(servers) > 0 {
		if p.directory, err = (bootstrap.ClientConfig{Logger: log}).NewClient(h, servers...); err != nil {
			return nil, err
		}
	}
	chatOpts := []chat.Option{chat.WithName(name), chat.WithLogger(log)}
	if p.directory != nil {
		chatOpts = append(chatOpts, chat.WithResolver(p.directory))
	}
	if p.chat, err = chat.New(p.node, filepath.Join(w.temp, name, "chat"), chatOpts...); err != nil {
		return nil, err
	}
	p.backup, err = backup.New(p.node, filepath.Join(w.temp, name, "backup"), append(backupOpts, backup.WithLogger(log))...)
	return p, err
}

// enter registers a peer under its name and joins it through those who are there.
func (p *person) enter(ctx context.Context) error {
	if _, err := p.directory.Register(ctx, p.name); err != nil {
		return fmt.Errorf("register %q: %w", p.name, err)
	}
	seeds, err := p.directory.Peers(ctx)
	if err != nil {
		return err
	}
	_, err = p.node.Join(ctx, seeds...)
	return err
}

// cutOff pulls the peer's cable: nobody hears a goodbye.
func (w *world) cutOff(p *person) {
	p.cut = true
	w.fabric.Cut(p.host.ID())
}

func (w *world) find(id peer.ID) *person {
	for _, p := range w.peers {
		if p.host.ID() == id {
			return p
		}
	}
	return nil
}

func (w *world) name(id peer.ID) string {
	if p := w.find(id); p != nil {
		return p.name
	}
	return id.String()
}

func (w *world) alive() []*person {
	return slices.DeleteFunc(slices.Clone(w.peers), func(p *person) bool { return p.cut })
}

// links returns, for each live peer, the live peers that it is linked to: both sides
// count each other as neighbours.
func (w *world) links() map[*person][]*person {
	said := make(map[[2]*person]bool)
	for _, p := range w.alive() {
		for _, n := range p.node.Neighbours() {
			said[[2]*person{p, w.find(n.ID)}] = true
		}
	}
	out := make(map[*person][]*person)
	for _, p := range w.alive() {
		for _, q := range w.alive() {
			if said[[2]*person{p, q}] && said[[2]*person{q, p}] {
				out[p] = append(out[p], q)
			}
		}
	}
	return out
}

// whole tells whether the live peers form one overlay.
func (w *world) whole() bool {
	alive, links := w.alive(), w.links()
	seen := map[*person]bool{alive[0]: true}
	for todo := []*person{alive[0]}; len(todo) > 0; todo = todo[1:] {
		for _, q := range links[todo[0]] {
			if !seen[q] {
				seen[q] = true
				todo = append(todo, q)
			}
		}
	}
	return len(seen) == len(alive)
}

// close ends everything, services first and nodes last.
func (w *world) close() error {
	results := make(chan error)
	for _, p := range w.peers {
		go func() { results <- p.close() }()
	}
	var err error
	for range w.peers {
		err = errors.Join(err, <-results)
	}
	return errors.Join(err, w.stopServers())
}

func (p *person) close() error {
	var err error
	if p.chat != nil {
		err = errors.Join(err, p.chat.Close())
	}
	if p.backup != nil {
		err = errors.Join(err, p.backup.Close())
	}
	if p.directory != nil {
		err = errors.Join(err, p.directory.Close())
	}
	if p.node != nil {
		err = errors.Join(err, p.node.Close())
	}
	return errors.Join(err, p.host.Close())
}
