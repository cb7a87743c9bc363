package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
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
	Federation []string      `help:"Multiaddr with /p2p/ of a server of a federation to join, while the data folder is new (repeatable)." placeholder:"MULTIADDR"`
	HTTP       string        `name:"http" help:"Address to serve the page of peers on, such as :8080 for http://127.0.0.1:8080; name a host or 0.0.0.0 to open it to others." placeholder:"ADDR"`
	HTTPHost   []string      `name:"http-host" help:"Host name under which the page may be asked for, besides localhost and IP addresses (repeatable)." placeholder:"NAME"`
	HTTPOpen   bool          `name:"http-open" help:"Show peers' addresses and who is whose neighbour to readers on other machines too."`
	Lease      time.Duration `help:"How long a registration lives without a renewal." default:"60s"`
	Reserve    span          `help:"How long the name of a silent peer stays reserved for it, in days (7d) or hours (12h); all servers of a federation have the same." default:"7d"`
	Limits     limits        `embed:""`
}

// minLease keeps clients from renewing all the time.
const minLease = time.Second

// Run serves until ctx ends.
func (s *serveCmd) Run(ctx context.Context, c *cli, out *program.Output) (err error) {
	closeAll := func(close func() error) { err = errors.Join(err, close()) }
	serverhost.LimitHeap()
	log := c.Logger()
	if s.Lease < minLease {
		return fmt.Errorf("--lease: %s is too short, at least %s", s.Lease, minLease)
	}
	fellows, err := program.ParsePeers(s.Federation)
	if err != nil {
		return fmt.Errorf("--federation: %w", err)
	}
	limits, err := s.Limits.directory()
	if err != nil {
		return err
	}
	folder, err := c.dataDir()
	if err != nil {
		return err
	}
	data, err := datadir.Open(folder)
	if err != nil {
		return err
	}
	defer closeAll(data.Close)
	key, err := data.Key(datadir.Server)
	if err != nil {
		return err
	}
	store, err := bootstrap.OpenStore(filepath.Join(data.Path(datadir.Server), "directory"), log)
	if err != nil {
		return err
	}
	defer closeAll(store.Close)
	gate := &gate{}
	h, err := serverhost.New(key, gate)
	if err != nil {
		return err
	}
	defer closeAll(h.Close)
	// Before the server starts, which tells its fellows its addresses.
	if err := listen(h, c.Listen); err != nil {
		return err
	}
	server := &bootstrap.Server{
		Host: h, Network: c.Network, Store: store, Logger: log,
		Federation: fellows, Reserve: s.Reserve.duration(), Lease: s.Lease, Limits: limits,
		HTTPHosts: s.HTTPHost, HTTPOpen: s.HTTPOpen,
	}
	if err := server.Start(ctx); err != nil {
		return err
	}
	defer closeAll(server.Close)

	// From here on everybody who comes is announced, and only now can they come.
	announcer := newAnnouncer(ctx, out, server)
	defer announcer.close()
	gate.open()
	web, err := serveHTTP(ctx, s.HTTP, server.Handler(), log)
	if err != nil {
		return err
	}
	defer closeAll(web.close)
	addrs, err := fullAddrs(h)
	if err != nil {
		return err
	}
	operator := &operator{servers: server, self: h.ID(), addr: addrs[0].String(), await: joinTime}
	admin, err := serveAdmin(ctx, data.Path(datadir.Server), operator, log)
	if err != nil {
		return err
	}
	defer closeAll(admin.close)

	if _, err := fmt.Fprintln(os.Stdout, addrs[0]); err != nil {
		return fmt.Errorf("tell the address: %w", err)
	}
	out.Print("listening", program.Fields{
		"addrs": addrs, "id": h.ID(), "network": c.Network, "data": data.Root(), "http": web.url,
		"registrations": len(server.List()),
	}, "serving network %q from %s, with %d registrations from before", c.Network, data.Root(), len(server.List()))
	for _, addr := range addrs[1:] {
		out.Detail("also at %s", addr)
	}
	if web.url != "" {
		out.Detail("the page is at %s/", web.url)
	}
	var telling sync.WaitGroup
	telling.Go(func() { announceFellows(ctx, out, operator) })
	announcer.run(ctx)
	telling.Wait()
	out.Print("stopping", nil, "stopping")
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
