package bootstrap

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// entryOverhead is what an entry costs a page besides itself: tag and length.
const entryOverhead = 4

func (s *Server) sendPages(out *replies, entries []entry, revision uint64, encode func(*entry, time.Time) *pb.DirectoryEntry) error {
	now := time.Now()
	out.over = now.Add(pagesTimeout)
	defer func() { out.over = time.Time{} }()
	page := &pb.DirectoryPage{Epoch: s.epoch, Revision: revision}
	size := 0
	for i := range entries {
		e := encode(&entries[i], now)
		page.Entries = append(page.Entries, e)
		if size += proto.Size(e) + entryOverhead; size > pageBytes {
			if err := out.send(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Page{Page: page}}); err != nil {
				return err
			}
			page, size = &pb.DirectoryPage{Epoch: s.epoch, Revision: revision}, 0
		}
	}
	page.Last = true
	return out.send(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Page{Page: page}})
}

// watch sends changes until the stream or the server ends.
func (s *Server) watch(remote peer.ID, req *pb.DirectoryWatch, out *replies) error {
	member := s.isFellow(remote)
	if req.GetOwn() && !member {
		return s.refuse(out, fmt.Errorf("%w: only servers of the federation may watch that", ErrUnsupported))
	}
	if !s.admitWatcher(member) {
		s.counts.streamsRefused.Add(1)
		return s.refuse(out, &laterError{full("too many watchers"), watchersRetry})
	}
	defer s.releaseWatcher()
	journal, list, encode := s.journal, s.snapshot, encodeEntry
	if req.GetOwn() {
		journal, list, encode = s.ownJournal, s.ownSnapshot, encodeOwn
	}
	defer journal.join()()

	revision := req.GetFrom()
	switch req.GetEpoch() {
	case 0:
		var entries []entry
		entries, revision = list()
		if err := s.sendPages(out, entries, revision, encode); err != nil {
			return err
		}
		if err := out.flush(); err != nil {
			return err
		}
	case s.epoch:
	default:
		return s.refuse(out, ErrLagged)
	}
	alive := time.NewTicker(aliveInterval)
	defer alive.Stop()
	for {
		buffer := s.buffers.Get().(*[]byte)
		frames, n, wait, err := journal.frames((*buffer)[:0], time.Now(), out.id, revision, watchBatch)
		if err != nil {
			s.counts.lagged.Add(1)
			return s.refuse(out, err)
		}
		revision += uint64(n)
		if n > 0 {
			err = out.write(frames)
		}
		*buffer = frames
		s.buffers.Put(buffer)
		if err != nil {
			return err
		}
		if n > 0 {
			continue // until it has all
		}
		select {
		case <-wait:
			// One change wakes all, and each is told in a time of its own: thousands
			// at once would keep whoever registers waiting.
			if err := s.rest(anyTime(2 * journal.pause())); err != nil {
				return err
			}
		case <-s.ctx.Done():
			return ErrClosed
		case <-alive.C:
			err := out.send(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Change{Change: &pb.DirectoryChange{
				Epoch: s.epoch, Revision: revision,
			}}})
			if err == nil {
				err = out.flush()
			}
			if err != nil {
				return err
			}
		}
	}
}

// anyTime is a time from now until a span is over.
func anyTime(span time.Duration) time.Duration {
	if span <= 0 {
		return 0
	}
	return rand.N(span)
}

// rest waits while changes gather.
func (s *Server) rest(d time.Duration) error {
	if d == 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.ctx.Done():
		return ErrClosed
	}
}

// watchBatch is the number of changes copied from the journal at once.
const watchBatch = 64

// admitWatcher counts a watcher. A server of the federation is always let in.
func (s *Server) admitWatcher(fellow bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchers >= s.Limits.Watchers && !fellow {
		return false
	}
	s.watchers++
	return true
}

func (s *Server) releaseWatcher() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watchers--
}
