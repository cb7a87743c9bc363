package bootstrap

import (
	"context"
	"errors"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Member is one server of the federation, as this server sees it.
type Member struct {
	Peer peer.AddrInfo
	// Voter tells that it has a vote; a server that was added gets it once it has
	// caught up.
	Voter bool
	// Leader tells that it orders the claims now.
	Leader bool
	// Reachable tells that this server hears from it.
	Reachable bool
	// Behind is how many entries of the names' log it still lacks, as far as this
	// server knows.
	Behind uint64
}

// AddServer makes a server a member of the federation and returns when it has a
// vote. Any member may be asked; a majority has to answer. That the server is one
// already is no error.
func (s *Server) AddServer(ctx context.Context, info peer.AddrInfo) error {
	return errors.ErrUnsupported
}

// RemoveServer takes a server out of the federation.
func (s *Server) RemoveServer(ctx context.Context, id peer.ID) error {
	return errors.ErrUnsupported
}

// Members returns the servers of the federation, this one included, by peer ID.
func (s *Server) Members() []Member {
	return []Member{{Peer: peer.AddrInfo{ID: s.Host.ID(), Addrs: s.Host.Addrs()}, Voter: true, Leader: true, Reachable: true}}
}
