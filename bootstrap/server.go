package bootstrap

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/grapevine-p2p/grapevine/internal/federation"
	"github.com/grapevine-p2p/grapevine/internal/rendezvous"
	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// Server is a bootstrap server on a libp2p host. Set its fields, then call Start;
// they do not change after it. Only Host is required.
type Server struct {
	// Host is where the server answers. It stays the caller's to close, after the
	// server.
	Host host.Host
	// Network is the name of the network that the server serves; the default is
	// "grapevine".
	Network string
	// Store keeps registrations and names over a restart. It stays the caller's to
	// close, after the server. The default is MemoryStore().
	Store *Store
	// Federation are the other servers of a federation to join. It counts only
	// while the store is empty: after that, the store knows the members. Without
	// any the server begins a federation of one. One of the members has to add
	// this server with AddServer.
	Federation []peer.AddrInfo
	// Term is how long a name is its holder's for certain after a renewal; the
	// default is DefaultTerm. Reserve is how long it stays reserved for the key
	// after that; the default is DefaultReserve, and below zero it is not. All
	// servers of a federation have the same.
	Term, Reserve time.Duration
	// Lease is how long a registration lives without a renewal; the default is
	// DefaultLease.
	Lease time.Duration
	// Limits bound what the server takes on.
	Limits Limits
	// Logger is told what the server refuses and survives; the default drops it.
	Logger *slog.Logger
	// HTTPHosts are names under which Handler may be asked for, besides localhost
	// and plain IP addresses.
	HTTPHosts []string
	// HTTPOpen shows peers' addresses and links to everybody who reaches Handler.
	// Without it they are shown on this machine only.
	HTTPOpen bool
	// NoRendezvous leaves libp2p's rendezvous protocol, /rendezvous/1.0.0, out.
	NoRendezvous bool

	timing     federation.Timing // of consensus; tests hurry
	log        *slog.Logger
	federation *federation.Federation
	between    *federation.HostNetwork
	others     []peer.AddrInfo // members that the store knows; see rememberMembers
	journal    *journal        // what the federation knows and everybody may
	ownJournal *journal        // what this server was told, for the others
	epoch      uint64
	started    time.Time
	counts     counters
	history    *history

	rendezvous *rendezvous.Service // nil: left out

	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup
	writes   chan *write
	wake     chan struct{} // the alarms have changed
	moved    chan struct{} // the members have changed
	asked    chan func()   // to be called when the members have been asked anew
	buffers  sync.Pool     // of *[tellBytes]byte, for what watchers are told
	listings listings
	lists    *places      // lists on their way
	claiming atomic.Int64 // registrations and removals under way
	notify   network.Notifiee

	mu        sync.Mutex // guards what follows
	running   bool
	table     *table
	story     *story
	gained    gains
	members   []Member
	fellows   map[peer.ID]context.CancelFunc // those that are followed
	granting  bool                           // what consensus decides is news
	recheck   bool                           // the names that peers are listed under
	doubted   int                            // leases that were spared, when that was last told
	ended     []leaseID                      // expired, not in the store yet
	rng       *rand.Rand
	streams   map[network.Stream]bool
	perPeer   map[peer.ID]int // streams
	watchers  int
	requests  rates
	claims    rates
	freeNames rates // those that are claimed
	storeFail error
	// storeAgain is when a store that failed is tried again.
	storeAgain time.Time
}

// Start loads the store, begins to answer, and returns when the server is ready.
// The context bounds only that.
func (s *Server) Start(ctx context.Context) error {
	if s.Host == nil {
		return errors.New("start the bootstrap server: no host")
	}
	s.mu.Lock()
	again := s.ctx != nil
	if !again {
		s.setUp()
	}
	s.mu.Unlock()
	if again {
		return errors.New("start the bootstrap server: it was started before")
	}
	err := s.load(ctx)
	if err == nil {
		err = s.startFederation(ctx)
	}
	if err != nil {
		s.cancel()
		return fmt.Errorf("start the bootstrap server: %w", err)
	}
	s.mu.Lock()
	s.running = true
	s.wg.Add(8)
	s.mu.Unlock()
	go s.write()
	go s.expire()
	go s.report()
	go s.remember()
	go s.uphold()
	go s.attend()
	go s.callWatchers(s.journal)
	go s.callWatchers(s.ownJournal)

	s.notify = &network.NotifyBundle{DisconnectedF: func(_ network.Network, c network.Conn) {
		s.disconnected(c.RemotePeer())
	}}
	s.Host.Network().Notify(s.notify)
	s.Host.SetStreamHandler(protocol.ID(wire.Directory), s.serve)
	s.startRendezvous()
	return nil
}

func (s *Server) setUp() {
	if s.Network == "" {
		s.Network = wire.DefaultNetwork
	}
	if s.Store == nil {
		s.Store = MemoryStore()
	}
	if s.Lease == 0 {
		s.Lease = DefaultLease
	}
	if s.Term == 0 {
		s.Term = DefaultTerm
	}
	if s.Reserve == 0 {
		s.Reserve = DefaultReserve
	}
	s.Limits = s.Limits.withDefaults()
	s.log = s.Logger
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.started = time.Now()
	s.history = newHistory()
	s.writes = make(chan *write, writeQueue)
	s.wake = make(chan struct{}, 1)
	s.moved = make(chan struct{}, 1)
	s.asked = make(chan func())
	s.buffers.New = func() any { return new([tellBytes]byte) }
	s.table = newTable(s.Lease, s.Limits)
	s.story = newStory(s.table)
	s.gained = newGains(maxGained)
	s.fellows = make(map[peer.ID]context.CancelFunc)
	var seed [24]byte
	crand.Read(seed[:]) // never fails
	s.rng = rand.New(rand.NewPCG(binary.LittleEndian.Uint64(seed[:]), binary.LittleEndian.Uint64(seed[8:])))
	s.epoch = max(1, binary.LittleEndian.Uint64(seed[16:]))
	s.journal = newJournal(journalSize, s.epoch, encodeEntry)
	s.ownJournal = newJournal(journalSize, s.epoch, encodeOwn)
	s.lists = newPlaces(maxLists, maxListsPerIP)
	s.streams = make(map[network.Stream]bool)
	s.perPeer = make(map[peer.ID]int)
	s.requests = rates{
		peers:   newQuota[peer.ID](s.Limits.RequestsPerPeer, requestBurst, maxQuotas),
		addrs:   newQuota[netip.Prefix](s.Limits.RequestsPerIP, requestBurst, maxQuotas),
		subnets: newQuota[netip.Prefix](s.Limits.RequestsPerSubnet, requestBurst, maxQuotas),
	}
	s.claims = rates{
		addrs:   newQuota[netip.Prefix](s.Limits.ClaimsPerIP, claimBurst, maxQuotas),
		subnets: newQuota[netip.Prefix](s.Limits.ClaimsPerSubnet, claimBurst, maxQuotas),
	}
	s.freeNames = rates{
		addrs:   newQuota[netip.Prefix](s.Limits.NamesPerIP/secondsPerDay, nameBurst, maxQuotas),
		subnets: newQuota[netip.Prefix](s.Limits.NamesPerSubnet/secondsPerDay, nameBurst, maxQuotas),
	}
}

// Close stops answering and waits for everything that the server started. What was
// granted stays in the store. It may be called more than once; a server that was
// closed cannot be started again.
func (s *Server) Close() error {
	s.mu.Lock()
	if !s.running {
		s.mu.Unlock()
		s.wg.Wait()
		return nil
	}
	s.running = false
	s.mu.Unlock()

	s.closeRendezvous()
	s.Host.RemoveStreamHandler(protocol.ID(wire.Directory))
	s.Host.Network().StopNotify(s.notify)
	s.cancel()
	s.mu.Lock()
	for stream := range s.streams {
		_ = stream.Reset() // its goroutine ends with an error
	}
	s.mu.Unlock()
	s.wg.Wait()
	return s.closeFederation()
}

// Watch yields changes from the call on, in order, until the consumer breaks, the
// context ends or the server closes. A consumer that is slower than the directory
// gets ErrLagged as the last element. It is for a server that was started.
func (s *Server) Watch(ctx context.Context) iter.Seq2[Change, error] {
	from := s.journal.now()
	return func(yield func(Change, error) bool) {
		turn := s.journal.turns.join(from)
		defer s.journal.turns.leave(turn)
		revision := from
		for {
			changes, _, err := s.journal.after(revision, journalSize)
			if err != nil {
				yield(Change{}, err)
				return
			}
			for _, c := range changes {
				revision++
				if !yield(Change{revision, c.kind, c.entry.record()}, nil) {
					return
				}
			}
			select {
			case <-turn.come:
			case <-ctx.Done():
				yield(Change{}, ctx.Err())
				return
			case <-s.ctx.Done():
				yield(Change{}, ErrClosed)
				return
			}
		}
	}
}

// note tells the watchers of changes, and remembers for the store which leases
// ended. It is called with mu held, so that the journals have the table's order.
func (s *Server) note(changes []change) {
	if len(changes) == 0 {
		return
	}
	for _, c := range changes {
		if c.kind == Expired || c.kind == Left {
			s.ended = append(s.ended, c.entry.id())
		}
	}
	s.journal.add(s.story.retell(changes)...)
	s.ownJournal.add(changes...)
	if s.table.spared > s.doubted {
		s.log.Warn("many leases were about to end at once; the fault may be this server's own, so they get one more",
			"spared", s.table.spared-s.doubted, "registrations", s.table.leases.Len())
		s.doubted = s.table.spared
	}
}
