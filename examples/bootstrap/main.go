// Bootstrap runs a bootstrap server: the directory through which peers find each
// other, and the names that they have.
//
// The first line on standard output is the server's full multiaddr and nothing
// else, also with --json, so that it can be pasted, or piped, to the --bootstrap of
// the other programs. The lines after it tell who connects, registers and leaves.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/examples/internal/program"
	"github.com/grapevine-p2p/grapevine/internal/datadir"
)

type cli struct {
	program.Base
	HTTP     string        `name:"http" help:"Address to serve the list of peers on, such as :8080 for http://127.0.0.1:8080/api/peers; name a host or 0.0.0.0 to open it to others." placeholder:"ADDR"`
	HTTPHost []string      `name:"http-host" help:"Host name under which the list may be asked for, besides localhost and IP addresses (repeatable)." placeholder:"NAME"`
	Lease    time.Duration `help:"How long a registration lives without a renewal." default:"60s"`
}

// minLease keeps clients from renewing all the time.
const minLease = time.Second

func main() {
	program.Main("bootstrap", "Run a bootstrap server: peers register here and find each other.\n"+
		"The first line of its output is its address, for the --bootstrap of other programs.", &cli{})
}

// dataDir is a folder of the server's own by default, so that a peer of the same
// user can run beside it.
func (c *cli) dataDir() (string, error) {
	if c.Data != "" {
		return c.Data, nil
	}
	folder, err := datadir.Default()
	return folder + "-bootstrap", err
}

func (c *cli) Run(ctx context.Context, out *program.Output) (err error) {
	closeAll := func(close func() error) { err = errors.Join(err, close()) }
	log := c.Logger()
	if c.Lease < minLease {
		return fmt.Errorf("--lease: %s is too short, at least %s", c.Lease, minLease)
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
	h, err := newHost(key)
	if err != nil {
		return err
	}
	defer closeAll(h.Close)
	server := &bootstrap.Server{
		Host: h, Network: c.Network, Store: store, Lease: c.Lease, Logger: log, HTTPHosts: c.HTTPHost,
	}
	if err := server.Start(ctx); err != nil {
		return err
	}
	defer closeAll(server.Close)

	// From here on everybody who comes is announced, and only now can they come.
	announcer := newAnnouncer(ctx, out, server)
	defer announcer.close()
	if err := listen(h, c.Listen); err != nil {
		return err
	}
	web, err := serveHTTP(c.HTTP, server.Handler(), log)
	if err != nil {
		return err
	}
	defer closeAll(web.close)

	reached, err := h.Network().InterfaceListenAddresses()
	if err != nil {
		return fmt.Errorf("find the server's own addresses: %w", err)
	}
	addrs, err := peer.AddrInfoToP2pAddrs(&peer.AddrInfo{ID: h.ID(), Addrs: byUse(reached)})
	if err != nil || len(addrs) == 0 {
		return errors.Join(errors.New("the server has no address to be reached at"), err)
	}
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
		out.Detail("peers are listed at %s/api/peers", web.url)
	}
	announcer.run(ctx)
	out.Print("stopping", nil, "stopping")
	return nil
}
