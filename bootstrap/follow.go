package bootstrap

import (
	"bufio"
	"context"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"

	"github.com/grapevine-p2p/grapevine/internal/dialcause"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// follow hears from another server of the federation who is online there, until ctx
// ends: all of it first and now and then, and between that what changes.
func (s *Server) follow(ctx context.Context, fellow peer.ID) {
	there, retry := false, firstFollow
	for ctx.Err() == nil {
		heard, err := s.hear(ctx, fellow)
		there = there || heard
		if err == nil {
			continue // to hear all of it again
		}
		if ctx.Err() != nil {
			return // it is forgotten
		}
		s.mu.Lock()
		s.story.lose(time.Now(), fellow)
		s.mu.Unlock()
		s.alarm()
		if there {
			s.log.Info("a server of the federation is lost", "server", fellow, "err", err)
			there, retry = false, firstFollow
		}
		timer := time.NewTimer(retry/2 + rand.N(retry))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		retry = min(2*retry, lastFollow)
	}
}

// hear watches a fellow until it is time to hear all of it again, or it breaks.
// Heard tells that all of it came.
func (s *Server) hear(ctx context.Context, fellow peer.ID) (heard bool, err error) {
	t, err := s.openFellow(ctx, fellow)
	if err != nil {
		return false, err
	}
	defer func() { _ = t.stream.Reset() }()
	stop := context.AfterFunc(ctx, func() { _ = t.stream.Reset() })
	defer stop()
	err = t.send(&pb.DirectoryRequest{Network: s.Network, Body: &pb.DirectoryRequest_Watch{Watch: &pb.DirectoryWatch{Own: true}}})
	if err != nil {
		return false, err
	}
	var entries []entry
	for last := false; !last; {
		resp, err := t.receive(messageTimeout)
		if err != nil {
			return false, err
		}
		if e := resp.GetError(); e != nil {
			return false, decodeError(e, "", time.Now())
		}
		page := resp.GetPage()
		if page == nil {
			return false, malformed("an answer of another kind")
		}
		for _, p := range page.GetEntries() {
			if e, ok := s.told(fellow, p); ok && len(entries) < maxListed {
				entries = append(entries, e)
			}
		}
		last = page.GetLast()
	}
	return true, s.hearOn(ctx, fellow, t, entries)
}

// hearOn takes up all that a fellow has, and what it tells meanwhile and after that.
func (s *Server) hearOn(ctx context.Context, fellow peer.ID, t *talk, entries []entry) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	words := make(chan word)
	s.wg.Go(func() { t.listen(ctx, words) })

	s.mu.Lock()
	if err := ctx.Err(); err != nil { // it is no fellow any more
		s.mu.Unlock()
		return err
	}
	adoption := s.story.adopt(fellow, entries)
	s.mu.Unlock()
	next, over := time.NewTimer(0), time.NewTimer(relistInterval*9/10+rand.N(relistInterval/5))
	defer next.Stop()
	defer over.Stop()
	for {
		select {
		case <-next.C:
			if rest, more := s.adopt(ctx, adoption); more {
				next.Reset(rest)
			}
		case w := <-words:
			if w.err != nil {
				return w.err
			}
			if w.change.GetEntry() != nil {
				s.heard(ctx, fellow, w.change)
			}
		case <-over.C:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// word is what comes over a watch of a fellow.
type word struct {
	change *pb.DirectoryChange // without an entry: the fellow is alive
	err    error
}

// listen passes on what comes, until the stream breaks or ctx ends.
func (t *talk) listen(ctx context.Context, words chan<- word) {
	for {
		var w word
		resp, err := t.receive(aliveTimeout)
		switch {
		case err != nil:
			w.err = err
		case resp.GetError() != nil:
			w.err = decodeError(resp.GetError(), "", time.Now())
		case resp.GetChange() == nil:
			w.err = malformed("an answer of another kind")
		default:
			w.change = resp.GetChange()
		}
		select {
		case words <- w:
		case <-ctx.Done():
			return
		}
		if w.err != nil {
			return
		}
	}
}

// openFellow opens a stream to another server of the federation.
func (s *Server) openFellow(ctx context.Context, fellow peer.ID) (*talk, error) {
	info := s.whereIs(fellow)
	s.Host.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.PermanentAddrTTL)
	// A server that was just started again is not to be given up for minutes.
	ctx, cancel := context.WithTimeout(network.WithForceDirectDial(ctx, "directory"), negotiateTimeout)
	defer cancel()
	stream, err := s.Host.NewStream(ctx, fellow, protocol.ID(wire.Directory))
	if err != nil {
		return nil, dialcause.First(err)
	}
	return &talk{stream, bufio.NewReaderSize(stream, fellowBuffer)}, nil
}

// fellowBuffer is for streams on which much comes.
const fellowBuffer = 32 << 10

// heard takes up a change at a fellow.
func (s *Server) heard(ctx context.Context, fellow peer.ID, ch *pb.DirectoryChange) {
	now := time.Now()
	c, err := decodeChange(ch, s.Network, now)
	if err != nil {
		s.log.Warn("a server of the federation tells of a bad record", "server", fellow, "err", err)
		return
	}
	if c.kind == retold {
		c.kind = Updated
	}
	c.entry.self, c.entry.claim = decodeSelf(ch.GetEntry().GetSelf()).kept(), c.entry.claim.slimmed()
	if c.removal != nil {
		c.removal = c.entry.claim
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil { // it is no fellow any more
		return
	}
	s.journal.add(s.story.tell(fellow, c)...)
	if c.removal != nil {
		// What it does not remove, most often because it is not here, may yet show what
		// has ended.
		changes, _, _ := s.table.remove(now, c.removal)
		s.note(changes)
		s.poke()
	}
}

// told verifies an entry of a fellow.
func (s *Server) told(fellow peer.ID, p *pb.DirectoryEntry) (entry, bool) {
	e, err := decodeEntry(p, s.Network, time.Now())
	if err != nil {
		s.log.Warn("a server of the federation tells of a bad record", "server", fellow, "err", err)
		return entry{}, false
	}
	e.self, e.claim = decodeSelf(p.GetSelf()).kept(), e.claim.slimmed()
	return e, true
}
