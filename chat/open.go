package chat

import (
	"context"
	"fmt"
)

// Open returns the conversation with a person, connected. who is a name, a peer ID,
// a multiaddr, or a host and port; without a peer ID in it, whoever answers at the
// address proves its key, which is kept for the next time: compare fingerprints.
//
// It fails with ErrNotFound, ErrAmbiguous, ErrOffline, ErrRefused, ErrSelf or
// ErrKeyChanged. A conversation that is open already is returned, and connected
// again if it has to be.
func (s *Service) Open(ctx context.Context, who string) (*Conversation, error) {
	c, err := s.open(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("open a conversation with %q: %w", who, err)
	}
	return c, nil
}

func (s *Service) open(ctx context.Context, who string) (*Conversation, error) {
	if !s.enter() {
		return nil, ErrClosed
	}
	defer s.wg.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(s.ctx, cancel)
	defer stop()

	f, err := s.find(ctx, who)
	if err != nil {
		return nil, err
	}
	if f.info.ID == s.node.ID() {
		return nil, ErrSelf
	}
	if f.name != "" {
		if err := s.contacts.check(f.name, f.info.ID); err != nil {
			return nil, err
		}
	}
	s.remember(f.info)
	c, err := s.hold(f.info.ID)
	if err != nil {
		return nil, err
	}
	defer s.release(c)
	if err := c.connect(ctx); err != nil {
		return nil, err
	}
	if f.name == "" {
		return c, nil
	}
	if err := s.contacts.pin(f.name, f.info.ID); err != nil {
		s.log.Error("contact not kept", "name", f.name, "error", err)
	}
	if f.byName {
		c.mu.Lock()
		c.name = f.name
		c.mu.Unlock()
	}
	return c, nil
}
