package bootstrap

import (
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
	return s.within(conn, registering)
}
