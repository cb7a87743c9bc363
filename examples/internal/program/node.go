package program

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/bootstrap"
	"github.com/grapevine-p2p/grapevine/internal/datadir"
	"github.com/grapevine-p2p/grapevine/internal/display"
	"github.com/grapevine-p2p/grapevine/p2p"
)

const (
	// tendTime is how often a peer that has no registration or no neighbour tries
	// again.
	tendTime = 10 * time.Second
	// dialTime bounds reaching an address of --bootstrap that is no server.
	dialTime = 5 * time.Second
)

// Peer is a program's node, in its overlay and in the directory.
type Peer struct {
	Node      *p2p.Node
	Directory *bootstrap.Client // nil without a server in --bootstrap

	root   string
	name   string
	shown  bool // a person is told who and where it is
	alone  bool // the directory knew of nobody else when it entered
	seeds  []peer.AddrInfo
	peers  []peer.AddrInfo // of --peer
	pages  []string        // of --bootstrap
	out    *Output
	log    *slog.Logger
	cancel context.CancelFunc
	wg     sync.WaitGroup

	// Used by one goroutine at a time.
	lease    *bootstrap.Lease // nil until there is one
	refused  notice           // of the registration
	pageNews []notice         // of each page
}

// StartNode starts the node that the flags describe, registers it under a name (with
// "" it is only listed as online) and enters the overlay: through the peers that the
// directory knows, through --peer and addresses of --bootstrap that are peers
// themselves, through those that pages tell of, and through those of former runs. It
// says what it does, and if the program serves others, who and where it is; a person whose
// program only asks sees that with --verbose. A name that another peer has is an error;
// servers that do not answer are told, and tried again until Close.
//
// The caller closes its services first and the peer last.
func StartNode(ctx context.Context, out *Output, c *Common, name string, serves bool) (*Peer, error) {
	seeds, err := c.Seeds()
	if err != nil {
		return nil, err
	}
	peers, err := ParsePeers(c.Peer)
	if err != nil {
		return nil, err
	}
	if err := c.ChooseData(""); err != nil {
		return nil, err
	}
	log := c.Logger()
	opts := []p2p.Option{p2p.WithDataDir(c.Data), p2p.WithNetwork(c.Network), p2p.WithLogger(log), p2p.WithAgent(c.agent())}
	if len(c.Listen) > 0 {
		opts = append(opts, p2p.WithListenAddrs(c.Listen...))
	}
	node, err := p2p.New(opts...)
	if err != nil {
		return nil, err
	}
	_, pages := splitPages(c.Bootstrap)
	p := &Peer{
		Node: node, root: c.Data, name: name, seeds: seeds, peers: peers, pages: pages,
		shown: serves || out.JSON() || c.level() <= slog.LevelInfo,
		out:   out, log: log, cancel: func() {}, pageNews: slices.Repeat([]notice{{last: "not asked yet"}}, len(pages)),
	}
	if len(seeds) > 0 {
		cfg := bootstrap.ClientConfig{Network: c.Network, Logger: c.ClientLogger(), Hidden: c.Hidden, Agent: c.agent()}
		if c.ShowNeighbours {
			cfg.Neighbours = func() []peer.ID { return neighbourIDs(node) }
		}
		p.Directory, err = cfg.NewClient(node.Host(), seeds...)
		if err != nil {
			return nil, errors.Join(err, p.Close())
		}
	}
	if err := p.enter(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	tending, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.wg.Go(func() { p.tend(tending) })
	return p, nil
}

// Folder is where a part of the program keeps its data.
func (p *Peer) Folder(f datadir.Folder) string { return filepath.Join(p.root, string(f)) }

// Server is the bootstrap server in use.
func (p *Peer) Server() (status bootstrap.ServerStatus, ok bool) {
	if p.Directory == nil {
		return status, false
	}
	for _, s := range p.Directory.Servers() {
		if s.InUse && s.Connected {
			return s, true
		}
	}
	return status, false
}

// Close leaves the directory and the overlay.
func (p *Peer) Close() error {
	p.cancel()
	p.wg.Wait()
	var err error
	if p.Directory != nil {
		err = p.Directory.Close()
	}
	return errors.Join(err, p.Node.Close())
}

// enter registers and joins for the first time.
func (p *Peer) enter(ctx context.Context) error {
	if p.shown {
		p.introduce()
	}
	if p.Directory == nil && len(p.pages) > 0 {
		p.out.Print("server", Fields{"server": nil}, "no bootstrap server but pages that tell of peers: registered nowhere")
	} else if p.Directory == nil && len(p.peers) == 0 {
		p.out.Print("server", Fields{"server": nil}, "no bootstrap server was given (--bootstrap)")
	} else if p.Directory == nil {
		p.out.Print("server", Fields{"server": nil}, "no bootstrap server; entering through a peer")
	} else if err := p.register(ctx); errors.Is(err, bootstrap.ErrNoServer) {
		p.out.Print("server", Fields{"server": nil, "error": err.Error()}, "no bootstrap server answers; trying again now and then")
		p.out.Detail("  (%s)", display.Line(err.Error()))
	} else if err != nil {
		return err
	}
	if err := p.join(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		p.out.Print("not-joined", Fields{"error": err.Error()}, "no neighbour yet: %s", display.Line(err.Error()))
	} else if n := len(p.Node.Neighbours()); n > 0 {
		p.out.Print("joined", Fields{"neighbours": n}, "in the overlay; neighbours so far: %d", n)
	} else {
		p.alone = p.lease != nil
	}
	return nil
}

// introduce says who the peer is, and where others reach it.
func (p *Peer) introduce() {
	info := p.Node.AddrInfo()
	p.out.Print("node", Fields{"id": info.ID, "addrs": fullAddrs(info), "network": p.Node.Network()},
		"this is %s, peer %s", display.Peer(p.name, info.ID.String()), info.ID)
	for _, addr := range fullAddrs(info) {
		p.out.Detail("  at %s", addr)
	}
}

// Advise says what to do about an error of the node.
func (p *Peer) Advise(err error) error {
	switch {
	case !errors.Is(err, p2p.ErrNoNeighbours):
		return err
	case len(p.seeds)+len(p.peers)+len(p.pages) == 0:
		return fmt.Errorf("%w; enter one with --bootstrap or --peer", err)
	case p.alone:
		return fmt.Errorf("%w; nobody else is online: try again when somebody is", err)
	}
	return fmt.Errorf("%w; nobody could be reached: try again, or enter it with --peer", err)
}

// register registers and says with which server.
func (p *Peer) register(ctx context.Context) error {
	lease, err := p.Directory.Register(ctx, p.name)
	if err != nil {
		return err
	}
	p.lease = lease
	if s, ok := p.Server(); ok {
		addrs := fullAddrs(s.Server)
		p.out.Print("server", Fields{"server": s.Server.ID, "addrs": addrs, "rtt_ms": float64(s.RTT.Microseconds()) / 1000},
			"using the bootstrap server %s at %s", display.Fingerprint(s.Server.ID.String()), strings.TrimSuffix(addrs[0], "/p2p/"+s.Server.ID.String()))
	}
	for _, s := range p.Directory.Servers() {
		if !s.Connected {
			p.out.Print("server-down", Fields{"server": s.Server.ID, "error": fmt.Sprint(s.Err)},
				"the bootstrap server %s does not answer", display.Fingerprint(s.Server.ID.String()))
		}
	}
	return nil
}

// join enters the overlay through whom there is.
func (p *Peer) join(ctx context.Context) error {
	seeds := slices.Clone(p.peers)
	if p.Directory != nil {
		peers, err := p.Directory.Peers(ctx)
		if err != nil && !errors.Is(err, bootstrap.ErrNoServer) {
			p.log.Warn("peers not listed", "error", err)
		}
		seeds = append(append(seeds, peers...), p.reachable(ctx)...)
	}
	seeds = append(seeds, p.pageSeeds(ctx)...)
	_, err := p.Node.Join(ctx, seeds...)
	return err
}

// reachable returns the peers of --bootstrap that answer and are no servers.
func (p *Peer) reachable(ctx context.Context) (peers []peer.AddrInfo) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	var mu sync.Mutex
	var dials sync.WaitGroup
	for _, s := range p.Directory.Servers() {
		if s.Connected {
			continue
		}
		dials.Go(func() {
			if err := p.Node.Host().Connect(ctx, s.Server); err != nil {
				return // it is told as a server that does not answer
			}
			mu.Lock()
			defer mu.Unlock()
			peers = append(peers, s.Server)
		})
	}
	dials.Wait()
	return peers
}

// tend keeps trying what did not succeed.
func (p *Peer) tend(ctx context.Context) {
	every := time.NewTicker(tendTime)
	defer every.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
		if p.Directory != nil {
			p.tendName(ctx)
		}
		if len(p.Node.Neighbours()) == 0 {
			if err := p.join(ctx); err != nil {
				p.log.Info("no neighbour yet", "error", err)
			}
		}
	}
}

// tendName registers if that did not succeed yet, and tells once when the servers
// refuse the name: also later, when another peer took it while they were cut off.
func (p *Peer) tendName(ctx context.Context) {
	var err error
	held := p.lease != nil
	if held {
		err = p.lease.Err()
	} else {
		err = p.register(ctx)
	}
	switch {
	case ctx.Err() != nil, errors.Is(err, bootstrap.ErrNoServer), !p.refused.news(err):
	case err != nil:
		p.out.Print("not-registered", Fields{"error": err.Error()}, "not registered: %s", err)
	case held:
		p.out.Print("registered", Fields{"name": p.name}, "registered again")
	}
}

func neighbourIDs(node *p2p.Node) (ids []peer.ID) {
	for _, n := range node.Neighbours() {
		ids = append(ids, n.ID)
	}
	return ids
}

// fullAddrs are a peer's addresses with its ID, ready to paste.
func fullAddrs(info peer.AddrInfo) []string {
	addrs, err := peer.AddrInfoToP2pAddrs(&info)
	if err != nil || len(addrs) == 0 {
		return []string{"/p2p/" + info.ID.String()}
	}
	out := make([]string, len(addrs))
	for i, a := range addrs {
		out[i] = a.String()
	}
	return out
}
