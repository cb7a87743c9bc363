package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// write is a claim or a removal on its way to the store.
type write struct {
	claim *claim // nil: only see to what has expired
	done  chan struct{}
	fresh bool
	err   error
	undo  undo
}

// commit hands a claim to the writer and returns when what it grants is durable.
func (s *Server) commit(ctx context.Context, c *claim) (fresh bool, err error) {
	w := &write{claim: c, done: make(chan struct{})}
	select {
	case s.writes <- w:
	default:
		return false, busy(time.Second)
	}
	select {
	case <-w.done:
		return w.fresh, w.err
	case <-ctx.Done():
		return false, ctx.Err()
	case <-s.ctx.Done():
		return false, ErrClosed
	}
}

// poke makes the writer store what has expired, if it has nothing else to do.
func (s *Server) poke() {
	select {
	case s.writes <- &write{done: make(chan struct{})}:
	default:
	}
}

// write is the only goroutine that grants and removes: what comes while it waits
// for the disk is the next batch and shares a sync.
func (s *Server) write() {
	defer s.wg.Done()
	for {
		var batch []*write
		select {
		case <-s.ctx.Done():
			return
		case w := <-s.writes:
			batch = append(batch, w)
		}
		for more := true; more && len(batch) < writeBatch; {
			select {
			case w := <-s.writes:
				batch = append(batch, w)
			default:
				more = false
			}
		}
		s.apply(batch)
		for _, w := range batch {
			close(w.done)
		}
		s.alarm()
	}
}

// apply changes the table, then makes the changes durable; when that fails it
// takes them back.
func (s *Server) apply(batch []*write) {
	s.mu.Lock()
	var lines [][]byte
	now := time.Now()
	if s.storeFail == nil {
		for _, w := range batch {
			var changes []change
			switch {
			case w.claim == nil:
				changes = s.table.expire(now)
			case w.claim.removed:
				changes, w.undo, w.err = s.table.remove(now, w.claim)
			default:
				w.fresh, changes, w.undo, w.err = s.table.grant(now, w.claim)
			}
			s.note(changes)
			// What expired comes first, or the line would end the grant after it.
			for _, id := range s.ended {
				lines = append(lines, storedEnd(id))
			}
			s.ended = s.ended[:0]
			if w.claim == nil || w.err != nil {
				continue
			}
			id := leaseID{w.claim.peer, w.claim.key}
			if w.claim.removed {
				lines = append(lines, storedEnd(id))
			} else {
				lines = append(lines, storedGrant(*s.table.entries[id]))
				if !s.connected(id.peer) { // it left while its claim was on the way
					s.note(s.table.presence(now, id.peer, false))
				}
			}
		}
	}
	fail := s.storeFail
	s.mu.Unlock()

	if fail == nil && len(lines) > 0 {
		if fail = s.Store.Append(lines...); fail == nil {
			s.compact()
			return
		}
		s.log.Error("registrations cannot be stored; the server takes no more until it is started anew", "err", fail)
	}
	if fail == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.storeFail, s.ended = fail, nil
	for _, w := range slices.Backward(batch) {
		if w.undo != nil {
			s.note(w.undo())
		}
		if w.err == nil {
			w.err = ErrStorage
		}
	}
}

// compact rewrites a store that is mostly history. It runs between batches, so the
// table is exactly what the store has to hold.
func (s *Server) compact() {
	size := s.Store.Size()
	if size < compactSize {
		return
	}
	s.mu.Lock()
	lines := s.lines()
	s.mu.Unlock()
	live := int64(0)
	for _, line := range lines {
		live += int64(len(line))
	}
	if size < 4*live {
		return
	}
	if err := s.Store.Rewrite(whole(lines)); err != nil {
		s.log.Error("the store of registrations cannot be rewritten", "err", err)
	}
}

// lines returns the store's content for the table as it is.
func (s *Server) lines() [][]byte {
	var lines [][]byte
	for _, e := range s.table.order {
		lines = append(lines, storedGrant(*e))
	}
	return lines
}

func whole(lines [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, line := range lines {
			if !yield(line, nil) {
				return
			}
		}
	}
}

// load puts what the store holds back into the table. Its peers are away until they
// renew. Lines that are not understood are counted and left out.
func (s *Server) load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	dropped := 0
	for line, err := range s.Store.Records() {
		if err := errors.Join(err, ctx.Err()); err != nil {
			return fmt.Errorf("read the stored registrations: %w", err)
		}
		var stored pb.DirectoryStored
		if err := proto.Unmarshal(line, &stored); err != nil {
			dropped++
			continue
		}
		if len(stored.EndedPeer) > 0 {
			s.table.end(leaseID{peerID(stored.EndedPeer), nameKey(stored.EndedName)})
			continue
		}
		c, err := openClaim(stored.Record, s.Network, now)
		if err != nil || c.removed {
			dropped++
			continue
		}
		since := time.UnixMilli(stored.SinceUnixMs)
		if since.After(now) {
			since = now
		}
		s.table.restore(now, c, since)
	}
	if dropped > 0 {
		s.log.Warn("stored registrations were left out: expired, of another network or not understood", "count", dropped)
	}
	return nil
}
