package federation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/names"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Federation is one server's part in a federation. It is safe for concurrent use.
type Federation struct {
	cfg     Config
	log     *slog.Logger
	self    member        // its consent and addresses are made anew where they are told
	raftID  raft.ServerID // of self
	machine *machine
	raft    *raft.Raft
	trans   *raft.NetworkTransport
	server  net.Listener // of the federation protocol
	conns   conns
	leading atomic.Pointer[leaderClock]

	passing   chan struct{} // commands that are passed on to the leader
	proposals chan struct{} // commands that are proposed here

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	id       random   // of the federation, "" while the server waits
	rival    random   // another federation that counts this server as a member
	greeted  greeting // the last one while nobody leads
	removed  bool
	changing bool // a change of the members is under way
	problem  *problem
	led      time.Time // when somebody led last
	heard    map[peer.ID]contact
	told     map[peer.ID]peer.AddrInfo // members that fellows told of
	replaced map[peer.ID]time.Time     // when a member was taken back last
}

// Start begins to take part, and returns when what the store holds is known. A
// server with an empty store and fellows is admitted later, when
// [Federation.AddServer] was called at one of them. The federation owns the stores,
// also after an error.
func Start(ctx context.Context, cfg Config) (*Federation, error) {
	f, err := newFederation(cfg)
	if err == nil {
		if err = f.open(ctx); err == nil {
			return f, nil
		}
		err = errors.Join(err, f.shut())
	} else if cfg.Stores != nil {
		err = errors.Join(err, cfg.Stores.Close())
	}
	return nil, fmt.Errorf("start the federation: %w", err)
}

func newFederation(cfg Config) (*Federation, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	self, err := peer.IDFromPrivateKey(cfg.Key)
	if err != nil {
		return nil, err
	}
	f := &Federation{
		cfg: cfg, log: cfg.Logger, self: member{peer: self},
		machine: &machine{changed: cfg.Changed, state: names.New()},
		conns:   conns{open: make(map[*conn]struct{}), in: make(map[peer.ID]int)},
		passing: make(chan struct{}, maxPassing), proposals: make(chan struct{}, maxProposals),
		led: time.Now(), heard: make(map[peer.ID]contact),
		told: make(map[peer.ID]peer.AddrInfo), replaced: make(map[peer.ID]time.Time),
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f, nil
}

// open reads what the store holds and takes up the work.
func (f *Federation) open(ctx context.Context) (err error) {
	stores := f.cfg.Stores
	if f.self.incarnation, err = stores.incarnation(); err != nil {
		return err
	}
	f.raftID = f.self.id()
	if f.id, err = stores.random(federationKey); err != nil {
		return err
	}
	if f.rival, err = stores.random(rivalKey); err != nil {
		return err
	}
	if err := f.found(); err != nil {
		return err
	}
	if err := f.run(); err != nil {
		return err
	}
	if f.alone() {
		return f.elect(ctx)
	}
	return nil
}

// run starts raft and all that listens.
func (f *Federation) run() error {
	listener, err := f.cfg.Network.Listen(wire.Raft)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	streams := &layer{f: f, listener: listener, accepted: make(chan net.Conn)}
	logger := raftLogger(f.log)
	f.trans = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: streams, MaxPool: 2, Timeout: 4 * f.cfg.Timing.Heartbeat, Logger: logger,
		// No pipelining: in raft v1.8.0 its sender waits for ever for a reader that
		// a refused append has ended (hashicorp/raft#612), and Shutdown with it. An append carries
		// what came meanwhile anyway.
		MaxRPCsInFlight: 1,
	})
	votes := &ballots{f.trans, make(chan raft.RPC)}
	f.raft, err = raft.NewRaft(f.raftConfig(logger), f.machine, f.cfg.Stores.logs, f.cfg.Stores.stable, f.cfg.Stores.snaps, votes)
	if err != nil {
		return fmt.Errorf("start raft: %w", err)
	}
	f.wg.Go(func() { votes.pass(f.ctx, f.anyVoter) })
	if f.server, err = f.cfg.Network.Listen(wire.Federation); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	f.wg.Go(streams.listen)
	f.wg.Go(func() { f.accept(f.server, f.serve) })
	f.wg.Go(f.lead)
	f.wg.Go(f.attend)
	return nil
}

func (f *Federation) raftConfig(logger hclog.Logger) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = f.raftID
	c.Logger = logger
	c.HeartbeatTimeout, c.ElectionTimeout = f.cfg.Timing.Heartbeat, f.cfg.Timing.Election
	c.LeaderLeaseTimeout = f.cfg.Timing.LeaderLease
	c.CommitTimeout = f.cfg.Timing.Heartbeat / 20
	c.MaxAppendEntries = maxAppend
	c.ShutdownOnRemove = false
	c.SnapshotThreshold, c.TrailingLogs, c.SnapshotInterval = snapshotThreshold, trailingLogs, snapshotInterval
	c.NoLegacyTelemetry = true
	return c
}

// enter keeps Close waiting until wg.Done.
func (f *Federation) enter() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return ErrClosed
	}
	f.wg.Add(1)
	return nil
}

// until is ctx, ended by Close too.
func (f *Federation) until(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(f.ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
	}
}

// dial opens a conn that ends with the federation.
func (f *Federation) dial(ctx context.Context, to peer.AddrInfo, protocol string) (*conn, error) {
	c, err := f.cfg.Network.Dial(ctx, to, protocol)
	if err != nil {
		return nil, err
	}
	own := f.conns.add(c)
	if own == nil {
		return nil, ErrClosed
	}
	if own.peer != to.ID {
		return nil, errors.Join(fmt.Errorf("%s answered instead", own.peer), own.Close())
	}
	return own, nil
}

func (f *Federation) lastLed() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.led
}

// lastAnswer is when a server answered last, zero if it never did.
func (f *Federation) lastAnswer(server peer.ID) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.heard[server].at
}

// Close ends the part in the federation and waits for every goroutine. The server
// stays a member.
func (f *Federation) Close() error {
	f.mu.Lock()
	if f.closed {
		f.mu.Unlock()
		f.wg.Wait()
		return nil
	}
	f.closed = true
	f.mu.Unlock()
	return f.shut()
}

func (f *Federation) shut() error {
	f.cancel()
	var errs []error
	if f.trans != nil {
		errs = append(errs, f.trans.Close())
	}
	if f.server != nil {
		errs = append(errs, f.server.Close())
	}
	f.conns.end()
	if f.raft != nil {
		errs = append(errs, f.raft.Shutdown().Error())
	}
	if f.trans != nil {
		f.trans.CloseStreams() // those that raft put back meanwhile
	}
	f.wg.Wait()
	f.conns.wait()
	return errors.Join(append(errs, f.cfg.Stores.Close())...)
}
