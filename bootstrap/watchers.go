package bootstrap

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// entryOverhead is what an entry costs a page besides itself: tag and length.
const entryOverhead = 4

func (s *Server) sendPages(out *replies, entries []entry, revision uint64) error {
	now := time.Now()
	out.over = now.Add(pagesTimeout)
	defer func() { out.over = time.Time{} }()
	page := &pb.DirectoryPage{Epoch: s.epoch, Revision: revision}
	size := 0
	for i := range entries {
		e := encodeEntry(&entries[i], now)
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
func (s *Server) watch(req *pb.DirectoryWatch, out *replies) error {
	if !s.admitWatcher() {
		s.counts.streamsRefused.Add(1)
		return s.refuse(out, full("too many watchers"))
	}
	defer s.releaseWatcher()

	revision := req.GetFrom()
	switch req.GetEpoch() {
	case 0:
		var entries []entry
		entries, revision = s.snapshot()
		if err := s.sendPages(out, entries, revision); err != nil {
			return err
		}
	case s.epoch:
	default:
		return s.refuse(out, ErrLagged)
	}
	alive := time.NewTicker(aliveInterval)
	defer alive.Stop()
	for {
		changes, wait, err := s.journal.after(revision, watchBatch)
		if err != nil {
			s.counts.lagged.Add(1)
			return s.refuse(out, err)
		}
		now := time.Now()
		for i := range changes {
			revision++
			err := out.send(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Change{Change: &pb.DirectoryChange{
				Epoch: s.epoch, Revision: revision,
				Kind:  pb.DirectoryChangeKind(changes[i].kind),
				Entry: encodeChanged(&changes[i], now),
			}}})
			if err != nil {
				return err
			}
		}
		if err := out.flush(); err != nil {
			return err
		}
		if wait == nil {
			continue
		}
		select {
		case <-wait:
		case <-s.ctx.Done():
			return ErrClosed
		case <-alive.C:
			err := out.send(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Change{Change: &pb.DirectoryChange{
				Epoch: s.epoch, Revision: revision,
			}}})
			if err != nil {
				return err
			}
		}
	}
}

// watchBatch is the number of changes copied from the journal at once.
const watchBatch = 64

func (s *Server) admitWatcher() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watchers >= s.Limits.Watchers {
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
