package bootstrap

import (
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/grapevine-p2p/grapevine/internal/rendezvous"
)

// startRendezvous begins to answer libp2p's rendezvous protocol on the server's host,
// unless NoRendezvous is set. It shares the rates of the directory.
func (s *Server) startRendezvous() {
	if s.NoRendezvous {
		return
	}
	s.rendezvous = &rendezvous.Service{Host: s.Host, Logger: s.log, Admit: s.admitRendezvous}
	s.rendezvous.Start()
}

func (s *Server) closeRendezvous() {
	if s.rendezvous != nil {
		_ = s.rendezvous.Close() // never fails
	}
}

// admitRendezvous takes from the rates of a peer's requests and of its address's
// claims, as for the directory.
func (s *Server) admitRendezvous(conn network.Conn, registering bool) (time.Duration, bool) {
	var prefix netip.Prefix
	counted := false
	if registering {
		prefix, counted = origin(conn.RemoteMultiaddr())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	wait, ok := s.requests.take(now, conn.RemotePeer())
	if ok && counted {
		wait, ok = s.claims.take(now, prefix)
	}
	if !ok {
		s.counts.busy.Add(1)
	}
	return wait, ok
}
