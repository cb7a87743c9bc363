package chat

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/feed"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// Service is chat on one node. Its methods may be called concurrently. Make it with
// [New].
type Service struct {
	node        *p2p.Node
	folder      string
	name        string
	unannounced bool
	resolver    Resolver
	accept      func(Request) error
	log         *slog.Logger
	fsys        durable.FS
	timing      timing

	contacts *contacts
	events   *feed.Feed[Event]
	listener net.Listener
	stopping func() // stops sharing who we are
	rates    *lru.Cache[peer.ID, *rate.Limiter]
	places   chan struct{} // one for each handshake that others began

	ctx    context.Context // ends when Close has said goodbye
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu            sync.Mutex // held before a conversation's mu
	conversations map[peer.ID]*Conversation
	closing       bool
	closeErr      error
	closeDone     chan struct{}
}

// New starts chat on a node: from now on others can open conversations with us. What
// is said is kept in the folder, which is made if it is missing; with "" nothing
// outlasts the service. One service uses a folder at a time.
func New(n *p2p.Node, folder string, opts ...Option) (*Service, error) {
	rates, err := lru.New[peer.ID, *rate.Limiter](maxRated)
	if err != nil {
		return nil, fmt.Errorf("new chat: %w", err)
	}
	s := &Service{
		node:          n,
		folder:        folder,
		events:        feed.New[Event](eventQueue),
		log:           slog.New(slog.DiscardHandler),
		fsys:          durable.OS{},
		timing:        defaultTiming(),
		rates:         rates,
		places:        make(chan struct{}, maxHandshakes),
		conversations: make(map[peer.ID]*Conversation),
		closeDone:     make(chan struct{}),
	}
	for _, opt := range opts {
		if err := opt(s); err != nil {
			return nil, fmt.Errorf("new chat: %w", err)
		}
	}
	if folder != "" {
		if err := durable.MkdirAll(s.fsys, folder, durable.PrivateDirPerm); err != nil {
			return nil, fmt.Errorf("new chat: %w", err)
		}
		if err := durable.RemoveTemp(s.fsys, folder); err != nil {
			return nil, fmt.Errorf("new chat: %w", err)
		}
	}
	if s.contacts, err = openContacts(s.fsys, folder); err != nil {
		return nil, fmt.Errorf("new chat: %w", err)
	}
	if s.listener, err = n.Listen(wire.ChatService); err != nil {
		return nil, fmt.Errorf("new chat: %w", err)
	}
	if s.name != "" && !s.unannounced {
		if err := n.Announce(s.name); err != nil {
			return nil, errors.Join(fmt.Errorf("new chat: %w", err), s.listener.Close())
		}
	}
	s.stopping = n.Share(s.whoWeAre())
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(s.listen)
	return s, nil
}

// Trust says that a name (or an address, as it was typed) belongs to a key, as a
// person decided it, in place of the key that it had before.
func (s *Service) Trust(name string, id peer.ID) error {
	if name == "" || len(name) > maxReason {
		return fmt.Errorf("%w: %q", ErrBadName, name)
	}
	if err := id.Validate(); err != nil {
		return fmt.Errorf("trust %q: %w", name, err)
	}
	return s.contacts.pin(name, id)
}

// Standing tells what the contacts say of a name and a key.
func (s *Service) Standing(name string, id peer.ID) Standing { return s.contacts.standing(name, id) }

// Conversations returns those that are open, connected or not.
func (s *Service) Conversations() []*Conversation {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Conversation, 0, len(s.conversations))
	for _, c := range s.conversations {
		if c.isOpen() {
			out = append(out, c)
		}
	}
	return out
}

// enter counts a caller in, so that Close waits for it; false once closing. Who
// entered calls wg.Done.
func (s *Service) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.wg.Add(1)
	return true
}

// hold returns the conversation with a peer, made if there is none, and keeps it
// until release.
func (s *Service) hold(id peer.ID) (*Conversation, error) {
	for {
		s.mu.Lock()
		if s.closing {
			s.mu.Unlock()
			return nil, ErrClosed
		}
		c := s.conversations[id]
		if c == nil {
			if len(s.conversations) >= maxConversations {
				s.mu.Unlock()
				return nil, fmt.Errorf("%w: %d conversations are open", ErrFull, maxConversations)
			}
			c = newConversation(s, id)
			s.conversations[id] = c
		}
		if c.isClosed() { // its file must be closed before it is opened again
			s.mu.Unlock()
			<-c.gone
			continue
		}
		c.holds++
		s.mu.Unlock()
		if err := c.ready(); err != nil {
			s.release(c)
			return nil, err
		}
		return c, nil
	}
}

// release drops a conversation that nothing came of.
func (s *Service) release(c *Conversation) {
	s.mu.Lock()
	c.holds--
	unused := c.holds == 0 && c.abandon()
	s.mu.Unlock()
	if unused {
		if err := c.finish(); err != nil {
			s.log.Warn("history not closed", "peer", c.peer, "error", err)
		}
	}
}

// known tells whether there is a conversation with a peer already.
func (s *Service) known(id peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conversations[id] != nil
}

func (s *Service) historyFile(id peer.ID) string {
	if s.folder == "" {
		return ""
	}
	return filepath.Join(s.folder, "history-"+id.String()+".log")
}

// Close says goodbye in every conversation and waits for everything that the service
// started. What was not acknowledged is reported with ErrClosed. It may be called
// more than once.
func (s *Service) Close() error {
	s.mu.Lock()
	if s.closing {
		s.mu.Unlock()
		<-s.closeDone
		return s.closeErr
	}
	s.closing = true
	open := make([]*Conversation, 0, len(s.conversations))
	for _, c := range s.conversations {
		open = append(open, c)
	}
	s.mu.Unlock()
	defer close(s.closeDone)

	s.stopping()
	_ = s.listener.Close() // the node may have closed it
	errs := make([]error, len(open))
	var farewells sync.WaitGroup
	for i, c := range open {
		farewells.Go(func() { errs[i] = c.Close() })
	}
	farewells.Wait()
	s.cancel()
	s.wg.Wait()
	s.events.Close()
	s.closeErr = errors.Join(errs...)
	return s.closeErr
}
