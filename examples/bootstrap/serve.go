package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/examples/internal/serverhost"
	"github.com/grapevine-p2p/grapevine/internal/datadir"
)

type serveCmd struct {
	Federation []string      `help:"Multiaddr with /p2p/ of a server of a federation to join, while the data folder is new, or where one is now (repeatable)." placeholder:"MULTIADDR"`
	HTTP       string        `name:"http" help:"Address to serve the page of peers on, such as :8080 for http://127.0.0.1:8080; name a host or 0.0.0.0 to open it to others." placeholder:"ADDR"`
	HTTPHost   []string      `name:"http-host" help:"Host name under which the page may be asked for, besides localhost and IP addresses (repeatable)." placeholder:"NAME"`
	HTTPOpen   bool          `name:"http-open" help:"Show peers' addresses and who is whose neighbour to readers on other machines too."`
	Lease      time.Duration `help:"How long a registration lives without a renewal." default:"60s"`
	Reserve    span          `help:"How long the name of a silent peer stays reserved for it, in days (7d) or hours (12h), or 0 for not at all; all servers of a federation have the same." default:"7d"`
	Limits     limits        `embed:""`
}

// minLease keeps clients from renewing all the time.
const minLease = time.Second

// Validate is called by kong.
func (s *serveCmd) Validate() error {
	if s.Lease < minLease {
		return fmt.Errorf("--lease: %s is too short, at least %s", s.Lease, minLease)
	}
	if _, err := program.ParsePeers(s.Federation); err != nil {
		return fmt.Errorf("--federation: %w", err)
	}
	if s.HTTP != "" && !isAddress(s.HTTP) {
		return fmt.Errorf("--http: %q is not an address such as 127.0.0.1:8080", s.HTTP)
	}
	return s.Limits.check()
}

func isAddress(addr string) bool {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	_, err = net.LookupPort("tcp", port)
	return err == nil
}

// Run serves until ctx ends.
func (s *serveCmd) Run(ctx context.Context, c *cli, out *program.Output) (err error) {
	serverhost.LimitHeap(ctx)
	r := &running{cli: c, out: out, log: c.Logger(), gate: &gate{}}
	defer func() { err = errors.Join(err, r.close()) }()
	if err := r.open(); err != nil {
		return err
	}
	if err := r.start(ctx, s); err != nil {
		return err
	}
	return r.tell(ctx)
}

// running is a server with all that it stands on.
type running struct {
	cli  *cli
	out  *program.Output
	log  *slog.Logger
	gate *gate

	data      *datadir.Dir
	store     *bootstrap.Store
	host      host.Host
	server    *bootstrap.Server
	announcer *announcer
	operator  *operator
	page      *web
	addrs     []multiaddr.Multiaddr // the likeliest first

	ends []func() error
}

func (r *running) atEnd(end func() error) { r.ends = append(r.ends, end) }

// close ends what was begun, the last first.
func (r *running) close() (err error) {
	for _, end := range slices.Backward(r.ends) {
		err = errors.Join(err, end())
	}
	return err
}

// open opens the data folder, and a host that listens and lets nobody in.
func (r *running) open() (err error) {
	if err := r.cli.ChooseData(serverFolder); err != nil {
		return err
	}
	if r.data, err = datadir.Open(r.cli.Data); err != nil {
		return err
	}
	r.atEnd(r.data.Close)
	key, err := r.data.Key(datadir.Server)
	if err != nil {
		return err
	}
	if r.store, err = bootstrap.OpenStore(filepath.Join(r.data.Path(datadir.Server), "directory"), r.log); err != nil {
		return err
	}
	r.atEnd(r.store.Close)
	if r.host, err = serverhost.New(key, r.gate); err != nil {
		return err
	}
	r.atEnd(r.host.Close)
	// Before the server starts, which tells its fellows its addresses.
	if err := listen(r.host, r.cli.Listen); err != nil {
		return err
	}
	r.addrs, err = fullAddrs(r.host)
	return err
}

// start starts the server, its page and the answers to commands, and lets everybody in.
func (r *running) start(ctx context.Context, s *serveCmd) error {
	fellows, err := program.ParsePeers(s.Federation)
	if err != nil {
		return err
	}
	r.server = &bootstrap.Server{
		Host: r.host, Network: r.cli.Network, Store: r.store, Logger: r.log,
		Federation: fellows, Reserve: s.Reserve.duration(), Lease: s.Lease, Limits: s.Limits.directory(),
		HTTPHosts: s.HTTPHost, HTTPOpen: s.HTTPOpen,
	}
	if err := r.server.Start(ctx); err != nil {
		return err
	}
	r.atEnd(r.server.Close)

	// From here on everybody who comes is announced, and only now can they come.
	r.announcer = newAnnouncer(ctx, r.out, r.server)
	r.atEnd(r.announcer.close)
	r.gate.open()
	if r.page, err = serveHTTP(ctx, s.HTTP, r.server.Handler(), r.log); err != nil {
		return err
	}
	r.atEnd(r.page.close)
	r.operator = &operator{servers: r.server, self: r.host.ID(), addr: r.addrs[0].String(), await: joinTime}
	admin, err := serveAdmin(ctx, r.data.Path(datadir.Server), r.operator, r.log)
	if err != nil {
		return err
	}
	r.atEnd(admin.close)
	return nil
}

// tell says where the server is, and what happens until ctx ends.
func (r *running) tell(ctx context.Context) error {
	if _, err := fmt.Fprintln(os.Stdout, r.addrs[0]); err != nil {
		return fmt.Errorf("tell the address: %w", err)
	}
	registered := len(r.server.List())
	r.out.Print("listening", program.Fields{
		"addrs": r.addrs, "id": r.host.ID(), "network": r.cli.Network, "data": r.data.Root(), "http": r.page.url,
		"registrations": registered,
	}, "serving network %q from %s, with %d registrations from before", r.cli.Network, r.data.Root(), registered)
	for _, addr := range r.addrs[1:] {
		r.out.Detail("also at %s", addr)
	}
	if r.page.url != "" {
		r.out.Detail("the page is at %s/", r.page.url)
	}
	var telling sync.WaitGroup
	telling.Go(func() { announceFellows(ctx, r.out, r.operator) })
	r.announcer.run(ctx)
	telling.Wait()
	r.out.Print("stopping", nil, "stopping")
	return nil
}

// fullAddrs returns where the server is reached, the likeliest first.
func fullAddrs(h host.Host) ([]multiaddr.Multiaddr, error) {
	reached, err := h.Network().InterfaceListenAddresses()
	if err != nil {
		return nil, fmt.Errorf("find the server's own addresses: %w", err)
	}
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: byUse(reached)})
	if err != nil || len(addrs) == 0 {
		return nil, errors.Join(errors.New("the server has no address to be reached at"), err)
	}
	return addrs, nil
}
