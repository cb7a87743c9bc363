package bootstrap

import "testing"

// quietServer is a server that does nothing by itself, and answers nobody.
func quietServer(t testing.TB) *Server {
	t.Helper()
	s := &Server{Host: newHost(t), Logger: testLogger(t)}
	s.setUp()
	t.Cleanup(s.cancel)
	return s
}

// endLease lets a lease end now, before anybody has noticed.
func endLease(s *Server, id leaseID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.table.find(id)
	s.table.change(e, func() { e.expires = momentOf(s.started) })
	s.table.leases.Set(e, e.expires)
}
