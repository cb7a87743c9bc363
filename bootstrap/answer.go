package bootstrap

import (
	"context"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// own verifies a record that a peer sent about itself, and takes from the rates of
// claims. The envelope proves the record, the connection proves the sender, whose key
// is compared first: that costs least.
func (s *Server) own(conn network.Conn, sealed []byte) (*claim, error) {
	from, _ := origin(conn.RemoteMultiaddr())
	s.mu.Lock()
	now := time.Now()
	wait, ok := s.claims.take(now, conn.RemotePeer(), from)
	s.mu.Unlock()
	if !ok {
		s.counts.busy.Add(1)
		return nil, busy(wait)
	}
	if len(sealed) <= maxRecord {
		envelope, err := record.UnmarshalEnvelope(sealed)
		if err == nil && !conn.RemotePeer().MatchesPublicKey(envelope.PublicKey) {
			return nil, ErrForged
		}
	}
	c, err := openClaim(sealed, s.Network, now)
	if err != nil {
		return nil, err
	}
	if c.peer != conn.RemotePeer() {
		return nil, ErrForged
	}
	return c.slimmed(), nil
}

func (s *Server) register(conn network.Conn, req *pb.DirectoryRegister) (*pb.DirectoryResponse, error) {
	c, err := s.own(conn, req.GetRecord())
	if err != nil {
		return nil, err
	}
	if c.removed {
		return nil, malformed("the record gives the name up")
	}
	from, _ := origin(conn.RemoteMultiaddr())
	m := manner{detached: req.GetDetached(), self: decodeSelf(req.GetSelf()), from: from}
	ctx, cancel := context.WithTimeout(s.ctx, claimTimeout)
	defer cancel()
	gained := false
	if c.key != "" {
		if gained, m.confirmed, err = s.claimName(ctx, c, m); err != nil {
			return nil, err
		}
		s.share(c)
	}
	fresh, err := s.commitWithin(ctx, c, m)
	if err != nil {
		return nil, err
	}
	if c.key != "" {
		fresh = gained
	}
	s.counts.granted.Add(1)
	return s.granted(leaseID{c.peer, c.key}, fresh)
}

func (s *Server) remove(conn network.Conn, sealed []byte) (*pb.DirectoryResponse, error) {
	c, err := s.own(conn, sealed)
	if err != nil {
		return nil, err
	}
	if !c.removed {
		return nil, malformed("the record does not give the name up")
	}
	ctx, cancel := context.WithTimeout(s.ctx, claimTimeout)
	defer cancel()
	// Whoever leaves is listed no more, even when nobody can free the name.
	_, listed := s.commitWithin(ctx, c, manner{})
	if listed != nil && (c.key == "" || !errors.Is(listed, ErrNotRegistered) && !errors.Is(listed, ErrNotOwner)) {
		return nil, listed
	}
	if c.key != "" {
		err := s.removeName(ctx, c)
		if err != nil && (listed != nil || !errors.Is(err, ErrNotRegistered)) {
			return nil, err
		}
	}
	s.counts.removed.Add(1)
	return &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Removed{Removed: &pb.DirectoryRemoved{}}}, nil
}

func (s *Server) commitWithin(ctx context.Context, c *claim, m manner) (bool, error) {
	fresh, err := s.commit(ctx, c, m)
	if errors.Is(err, context.DeadlineExceeded) {
		return false, &laterError{ErrStorage, storeRetry} // it may be granted yet; asking again is safe
	}
	return fresh, err
}

// granted tells what a peer was granted.
func (s *Server) granted(id leaseID, fresh bool) (*pb.DirectoryResponse, error) {
	s.mu.Lock()
	e := s.table.find(id)
	if e == nil { // it ended meanwhile
		s.mu.Unlock()
		return nil, ErrNotRegistered
	}
	expires, confirmed := e.expires, e.confirmed
	s.mu.Unlock()
	return s.grant(expires, confirmed, fresh), nil
}

func (s *Server) grant(expires moment, confirmed time.Time, fresh bool) *pb.DirectoryResponse {
	now := time.Now()
	return &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Granted{Granted: &pb.DirectoryGranted{
		LeaseMs: uint64(max(0, expires.since(momentOf(now))).Milliseconds()), Fresh: fresh,
		TermMs: uint64(s.termLeft(confirmed, now).Milliseconds()),
	}}}
}

func (s *Server) renew(remote peer.ID, req *pb.DirectoryRenew) (*pb.DirectoryResponse, error) {
	var told *self
	if req.GetSelf() != nil {
		t := decodeSelf(req.GetSelf())
		told = &t
	}
	expires, confirmed, err := s.extend(leaseID{remote, nameKey(req.GetName())}, told)
	if errors.Is(err, ErrNotRegistered) { // under a name that is written otherwise than its key
		key, invalid := keyOf(req.GetName())
		if invalid != nil {
			return nil, invalid
		}
		if string(key) != req.GetName() {
			expires, confirmed, err = s.extend(leaseID{remote, key}, told)
		}
	}
	if err != nil {
		return nil, err
	}
	s.counts.renewed.Add(1)
	if !s.connected(remote) { // it left while its renewal was on the way
		s.disconnected(remote)
	}
	return s.grant(expires, confirmed, false), nil
}

// extend renews a lease and tells until when it and since when its name's term run.
func (s *Server) extend(id leaseID, told *self) (expires moment, confirmed time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	changes, err := s.table.renew(time.Now(), id, told)
	s.note(changes)
	if err != nil {
		return 0, time.Time{}, err
	}
	e := s.table.find(id)
	return e.expires, e.confirmed, nil
}

func (s *Server) lookup(name string) (*pb.DirectoryResponse, error) {
	s.counts.lookups.Add(1)
	key, err := keyOf(name)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	e, err := s.find(now, key)
	if err != nil {
		return nil, err
	}
	return &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Entry{Entry: encodeEntry(&e, now)}}, nil
}

// sample answers with one page.
func (s *Server) sample(remote peer.ID, n int) *pb.DirectoryResponse {
	if n <= 0 || n > maxSample {
		n = maxSample
	}
	s.mu.Lock()
	entries := s.story.sample(time.Now(), s.rng, n, remote)
	s.mu.Unlock()
	page, _ := s.page(entries, 0, sampleBytes, encodeEntry)
	page.Last = true
	return &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Page{Page: page}}
}
