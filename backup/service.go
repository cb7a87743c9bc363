package backup

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// Service is the backup service of a node: always an owner's side, and a holder's
// with [WithQuota]. Its methods may be called concurrently. Make it with [New].
type Service struct {
	node   *p2p.Node
	folder string
	fsys   durable.FS
	key    Key
	log    *slog.Logger
	times  times
	holder *holder // nil: keeps nothing for others

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex // guards closed, and wg.Add against wg.Wait
	closed bool
}

// New starts the service on a node, with what it keeps in folder, which is made if it
// is missing and which no other service may use. Without [WithKey] the owner's key is
// the one in folder/key, which is made if it is missing: print it with [Key.Text] and
// keep it elsewhere, for without it nothing can be read. Close the service before the
// node.
func New(node *p2p.Node, folder string, opts ...Option) (*Service, error) {
	c := defaultConfig()
	for _, opt := range opts {
		if err := opt(&c); err != nil {
			return nil, fmt.Errorf("new backup service: %w", err)
		}
	}
	s := &Service{node: node, folder: folder, fsys: c.fsys, key: c.key, log: c.log, times: c.times}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := s.start(c.quota); err != nil {
		s.cancel()
		return nil, fmt.Errorf("new backup service: %w", err)
	}
	return s, nil
}

func (s *Service) start(quota int64) (err error) {
	if err := durable.MkdirAll(s.fsys, s.spoolFolder(), durable.PrivateDirPerm); err != nil {
		return err
	}
	// What was spooled belonged to a Put that is over; a half-written key to none.
	for _, folder := range []string{s.folder, s.spoolFolder()} {
		if err := durable.RemoveTemp(s.fsys, folder); err != nil {
			return err
		}
	}
	if s.key.isZero() {
		if s.key, err = loadKey(s.fsys, s.folder); err != nil {
			return err
		}
	}
	if quota > 0 {
		return s.startHolder(quota)
	}
	return nil
}

func (s *Service) spoolFolder() string { return filepath.Join(s.folder, "spool") }

// Key returns the owner's key.
func (s *Service) Key() Key { return s.key }

// Usage is what a holder keeps for others.
type Usage struct {
	Blobs       int
	Held, Quota int64 // bytes; Held includes what is reserved
}

// Usage returns what the node keeps for others; zero if it is no holder.
func (s *Service) Usage() Usage {
	if s.holder == nil {
		return Usage{}
	}
	st := s.holder.store
	st.mu.Lock()
	defer st.mu.Unlock()
	return Usage{Blobs: len(st.orders), Held: st.held + st.promise, Quota: st.quota}
}

// Close ends every transfer and waits for every goroutine. It may be called more than
// once.
func (s *Service) Close() error {
	s.mu.Lock()
	first := !s.closed
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	if first && s.holder != nil {
		s.holder.stop()
	}
	s.wg.Wait()
	return nil
}

// enter counts a caller in, so that Close waits for it; false once closed. Who entered
// calls wg.Done.
func (s *Service) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.wg.Add(1)
	return true
}

// begin is enter for the public methods: the context ends with the service.
func (s *Service) begin(ctx context.Context) (context.Context, func(), error) {
	if !s.enter() {
		return nil, nil, ErrClosed
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(s.ctx, cancel)
	return ctx, func() {
		stop()
		cancel()
		s.wg.Done()
	}, nil
}

// dial opens a conn to a holder's service, which may be our own.
func (s *Service) dial(ctx context.Context, id peer.ID) (*link, error) {
	if id != s.node.ID() {
		conn, err := s.node.Dial(ctx, id, wire.BackupService)
		if err != nil {
			return nil, err
		}
		return newLink(conn, s.times), nil
	}
	if s.holder == nil {
		return nil, errNoHolder
	}
	here, there := net.Pipe()
	s.wg.Go(func() { s.holder.serve(there, id) }) // the caller has entered
	return newLink(here, s.times), nil
}
