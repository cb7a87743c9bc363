package bootstrap

import (
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// watch sends changes until the stream or the server ends.
func (s *Server) watch(conn network.Conn, req *pb.DirectoryWatch, out *replies) error {
	member := s.isFellow(conn.RemotePeer())
	if req.GetOwn() && !member {
		return s.refuse(out, fmt.Errorf("%w: only servers of the federation may watch that", ErrUnsupported))
	}
	if !s.admitWatcher(member) {
		s.counts.streamsRefused.Add(1)
		return s.refuse(out, &laterError{full("too many watchers"), watchersRetry})
	}
	defer s.releaseWatcher()
	journal, list := s.journal, func() (uint64, error) { return s.sendList(conn, out, true) }
	if req.GetOwn() {
		journal, list = s.ownJournal, func() (uint64, error) { return s.sendOwnList(out) }
	}

	revision := req.GetFrom()
	switch req.GetEpoch() {
	case 0:
		var err error
		if revision, err = list(); errors.Is(err, ErrBusy) {
			return s.refuse(out, err)
		} else if err != nil {
			return err
		}
	case s.epoch:
	default:
		return s.refuse(out, ErrLagged)
	}
	turn := journal.turns.join(revision)
	defer journal.turns.leave(turn)
	alive := time.NewTicker(aliveInterval)
	defer alive.Stop()
	for {
		n, more, err := s.tell(journal, out, revision)
		if errors.Is(err, ErrLagged) {
			s.counts.lagged.Add(1)
			return s.refuse(out, err)
		}
		if err != nil {
			return err
		}
		revision += uint64(n)
		if more {
			journal.turns.again(turn, revision)
		}
		select {
		case <-turn.come:
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

// tell sends what changed after a revision, as much as one turn allows, and returns
// how many changes that were and whether there are more.
func (s *Server) tell(journal *journal, out *replies, revision uint64) (told int, more bool, err error) {
	buffer := s.buffers.Get().(*[tellBytes]byte)
	defer s.buffers.Put(buffer)
	for range turnBatches {
		frames, n, full, err := journal.frames(buffer[:0], time.Now(), out.id, revision+uint64(told))
		if err != nil || n == 0 {
			return told, false, err
		}
		if err := out.write(frames); err != nil {
			return told, false, err
		}
		if told += n; !full {
			return told, false, nil
		}
	}
	return told, true, nil
}

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
