package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	rendezvous "github.com/waku-org/go-libp2p-rendezvous"
	"github.com/waku-org/go-libp2p-rendezvous/db/sqlite"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/serverhost"
)

// The directories that are measured.
const (
	grapevine = "grapevine"
	waku      = "waku" // github.com/waku-org/go-libp2p-rendezvous
)

// Serving is what a server is started with.
type Serving struct {
	Kind   string
	Folder string        // where registrations are made durable
	Lease  time.Duration // of Grapevine; 0: its default
	Room   int           // of Grapevine, for registrations and names; 0: its default
	Filled int           // registrations of waku that are there at the start
	Fine   bool          // heap profiles are wanted, of more than a few objects
}

// Server is the process that serves a directory.
type Server struct {
	host  host.Host
	ours  *bootstrap.Server
	stop  []func() error
	cpu   *os.File // the profile that is being taken
	begun bool
}

// fineRate is every how many bytes allocated one object is noted for a heap profile:
// a lease takes about a thousand.
const fineRate = 4 << 10

// Start begins to serve and tells the server's address.
func (s *Server) Start(args Serving, addr *string) (err error) {
	if s.begun {
		return errors.New("started before")
	}
	s.begun = true
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = append(s.stop, func() error { cancel(); return nil })
	serverhost.LimitHeap(ctx)
	if args.Fine {
		runtime.MemProfileRate = fineRate
	}
	if s.host, err = serverhost.New(nil, nil); err != nil {
		return err
	}
	s.stop = append(s.stop, s.host.Close)
	if err := s.host.Network().Listen(ma.StringCast("/ip4/127.0.0.1/tcp/0")); err != nil {
		return err
	}
	switch args.Kind {
	case grapevine:
		err = s.serveOurs(args)
	case waku:
		err = s.serveWaku(args)
	default:
		err = fmt.Errorf("unknown directory %q", args.Kind)
	}
	if err != nil {
		return err
	}
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: s.host.ID(), Addrs: s.host.Addrs()})
	if err != nil || len(addrs) == 0 {
		return errors.Join(errors.New("the server has no address"), err)
	}
	*addr = addrs[0].String()
	return nil
}

func (s *Server) serveOurs(args Serving) error {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	store, err := bootstrap.OpenStore(filepath.Join(args.Folder, "directory"), log)
	if err != nil {
		return err
	}
	s.stop = append(s.stop, store.Close)
	s.ours = &bootstrap.Server{
		Host: s.host, Store: store, Lease: args.Lease, Logger: log,
		Limits: bootstrap.Limits{Registrations: args.Room, Names: args.Room},
	}
	if err := s.ours.Start(context.Background()); err != nil {
		return err
	}
	s.stop = append(s.stop, s.ours.Close)
	return nil
}

// serveWaku keeps registrations in a file, as a server that survives a restart does.
func (s *Server) serveWaku(args Serving) error {
	path := filepath.Join(args.Folder, "rendezvous.db")
	store, err := db.OpenDB(context.Background(), path)
	if err != nil {
		return err
	}
	if args.Filled > 0 {
		if err := errors.Join(store.Close(), fill(path, args.Filled)); err != nil {
			return err
		}
		if store, err = db.OpenDB(context.Background(), path); err != nil {
			return err
		}
	}
	s.stop = append(s.stop, store.Close)
	rendezvous.NewRendezvousService(s.host, store)
	return nil
}

// Usage tells what the server uses.
func (s *Server) Usage(_ struct{}, u *Usage) error {
	*u = usage()
	if s.host != nil {
		u.Conns = len(s.host.Network().Conns())
	}
	return nil
}

// CPU tells the CPU time that the server has used.
func (s *Server) CPU(_ struct{}, d *time.Duration) error {
	*d = spent()
	return nil
}

// Registered tells how many registrations are live.
func (s *Server) Registered(_ struct{}, n *int) error {
	*n = len(s.ours.List())
	return nil
}

// Heap writes a profile of what is live.
func (s *Server) Heap(path string, _ *struct{}) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	runtime.GC()
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

// Profile begins to write a CPU profile; an empty path ends it.
func (s *Server) Profile(path string, _ *struct{}) (err error) {
	if path == "" {
		pprof.StopCPUProfile()
		return s.cpu.Close()
	}
	if s.cpu, err = os.Create(path); err != nil {
		return err
	}
	return pprof.StartCPUProfile(s.cpu)
}

func (s *Server) close() error {
	var errs []error
	for i := range s.stop {
		errs = append(errs, s.stop[len(s.stop)-1-i]())
	}
	return errors.Join(errs...)
}
