package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/federation"
)

// Member is one server of the federation, as this server sees it.
type Member struct {
	Peer peer.AddrInfo
	// Voter tells that it has a vote; a server that was added gets it once it has
	// caught up.
	Voter bool
	// Leader tells that it orders the claims now.
	Leader bool
	// Reachable tells that it answers this server.
	Reachable bool
	// Behind is how many entries of the names' log it still lacks, as far as this
	// server knows.
	Behind uint64
}

// AddServer makes a server a member of the federation and returns when it has a
// vote. The server must be running, with this one or another member in its
// Federation. Any member may be asked; a majority has to answer. A server that is a
// member already stays one.
func (s *Server) AddServer(ctx context.Context, info peer.AddrInfo) error {
	err := s.changeMembers(func(f *federation.Federation) error { return f.AddServer(ctx, info) })
	if err != nil {
		return fmt.Errorf("add server %s: %w", info.ID, err)
	}
	return nil
}

// RemoveServer takes a server out of the federation, this one too if it is asked
// to. One that is no member stays none.
func (s *Server) RemoveServer(ctx context.Context, id peer.ID) error {
	err := s.changeMembers(func(f *federation.Federation) error { return f.RemoveServer(ctx, id) })
	if err != nil {
		return fmt.Errorf("remove server %s: %w", id, err)
	}
	return nil
}

func (s *Server) changeMembers(change func(*federation.Federation) error) error {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if !running {
		return ErrClosed
	}
	err := change(s.federation)
	if errors.Is(err, federation.ErrNoMajority) {
		err = noMajority(err)
	}
	if err == nil {
		select {
		case s.moved <- struct{}{}:
		default:
		}
	}
	return err
}

// Members returns the servers of the federation, this one included, by peer ID: as
// they were some seconds ago. One that lost its disk comes twice until it is taken back:
// as what it was, which is counted among those who vote, and as what it is.
func (s *Server) Members() []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.members // replaced, never changed
}

// MembersNow is as Members, but asks the other servers first, for some seconds at
// most. When ctx ends before or the server closes, it returns what is known.
func (s *Server) MembersNow(ctx context.Context) []Member {
	s.mu.Lock()
	running := s.running
	s.mu.Unlock()
	if running {
		done := make(chan struct{})
		select {
		case s.asked <- func() { close(done) }:
			select {
			case <-done:
			case <-ctx.Done():
			}
		case <-ctx.Done():
		case <-s.ctx.Done():
		}
	}
	return s.Members()
}

// startFederation begins to take part in granting names.
func (s *Server) startFederation(ctx context.Context) error {
	key := s.Host.Peerstore().PrivKey(s.Host.ID())
	if key == nil {
		return errors.New("the host has no key")
	}
	stores, err := s.Store.openNames(s.log)
	if err != nil {
		return err
	}
	// Should consensus's own file be lost: who was a member once must not begin a
	// federation of its own, in which names are granted again.
	others, err := s.Store.leases.members()
	if err != nil {
		return errors.Join(err, stores.Close())
	}
	s.between = federation.OverHost(s.Host)
	s.federation, err = federation.Start(ctx, federation.Config{
		Key: key, Addrs: s.Host.Addrs, Name: s.Network, Network: s.between, Stores: stores,
		Fellows: slices.Concat(s.Federation, others), Term: s.Term, Reserve: s.Reserve, Timing: s.timing,
		Changed: s.namesChanged, Logger: s.log,
	})
	if err != nil {
		return errors.Join(err, s.between.Close())
	}
	s.mu.Lock()
	s.granting = true
	s.mu.Unlock()
	s.checkHolders()
	ctx, cancel := context.WithCancel(ctx)
	cancel() // who answers is found out later
	if status := s.look(ctx); status.Why != "" {
		level := slog.LevelWarn
		if len(s.Federation) > 0 {
			level = slog.LevelInfo // as is to be
		}
		s.log.Log(ctx, level, "this server does not grant names yet", "why", status.Why)
	}
	return nil
}

func (s *Server) closeFederation() error {
	return errors.Join(s.federation.Close(), s.between.Close())
}

// attend keeps up with who is a member, and follows them.
func (s *Server) attend() {
	defer s.wg.Done()
	ticker := time.NewTicker(membersInterval)
	defer ticker.Stop()
	tell := func() {}
	for {
		s.look(s.ctx)
		tell()
		tell = func() {}
		select {
		case <-s.ctx.Done():
			return
		case tell = <-s.asked:
		case <-s.moved:
		case <-ticker.C:
		}
	}
}

// look asks the members how they are, and follows those that are new.
func (s *Server) look(ctx context.Context) federation.Status {
	status := s.federation.Status(ctx)
	members := make([]Member, 0, len(status.Members))
	for _, m := range status.Members {
		members = append(members, Member{
			Peer: m.Peer, Voter: m.Voter, Leader: m.Leader, Reachable: m.Answers, Behind: uint64(max(0, m.Behind)),
		})
	}
	s.rememberMembers(members)
	s.mu.Lock()
	were := s.members
	s.members = members
	s.mu.Unlock()
	for _, m := range were {
		if !s.isFellow(m.Peer.ID) {
			s.cut(m.Peer.ID) // what members only may hear it hears no more
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range members {
		id := m.Peer.ID
		if id == s.Host.ID() || s.fellows[id] != nil || len(s.fellows) >= maxFellows || s.ctx.Err() != nil {
			continue
		}
		ctx, cancel := context.WithCancel(s.ctx)
		s.fellows[id] = cancel
		s.wg.Add(1)
		go func() {
			defer s.wg.Done()
			s.follow(ctx, id)
		}()
	}
	for id, cancel := range s.fellows {
		if !s.hasMember(id) {
			cancel()
			delete(s.fellows, id)
			s.story.forget(time.Now(), id)
			s.alarm()
		}
	}
	return status
}

// rememberMembers stores who the others are when that has changed. It is called by
// one goroutine at a time.
func (s *Server) rememberMembers(members []Member) {
	var others []peer.AddrInfo
	for _, m := range members {
		if m.Peer.ID != s.Host.ID() {
			others = append(others, m.Peer)
		}
	}
	same := func(a, b peer.AddrInfo) bool { return a.String() == b.String() }
	if len(members) == 0 || slices.EqualFunc(others, s.others, same) {
		return
	}
	if err := s.Store.leases.setMembers(others); err != nil {
		s.log.Warn("the members of the federation cannot be stored", "err", err)
		return
	}
	s.others = others
}

// isFellow reports whether a peer is another server of the federation.
func (s *Server) isFellow(id peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hasMember(id)
}

// hasMember is isFellow with mu held.
func (s *Server) hasMember(id peer.ID) bool {
	return slices.ContainsFunc(s.members, func(m Member) bool { return m.Peer.ID == id })
}

// whereIs returns the addresses of a fellow, as its federation knows them now.
func (s *Server) whereIs(fellow peer.ID) peer.AddrInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.members {
		if m.Peer.ID == fellow {
			return m.Peer
		}
	}
	return peer.AddrInfo{ID: fellow}
}
