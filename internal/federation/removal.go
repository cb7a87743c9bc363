package federation

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"
	"github.com/libp2p/go-libp2p/core/peer"
)

// carryOutRemoval ends a server's membership, as the leader. One that answers is kept
// if too few of the others do: nobody could add it, or anything, again.
func (f *Federation) carryOutRemoval(ctx context.Context, who peer.ID) error {
	others, answering, counts := f.without(ctx, who)
	f.mu.Lock()
	closed := f.closed
	f.mu.Unlock()
	switch {
	case closed: // so nobody may have been asked
		return ErrClosed
	case counts && others > 0 && len(answering) <= others/2:
		return fmt.Errorf("without it %d of %d servers would answer, too few to grant names: "+
			"start the silent ones, or remove them first", len(answering), others)
	case who == f.self.peer && len(answering) == 0:
		return errLastServer
	}
	for _, s := range f.seats() {
		if s.peer != who {
			continue
		}
		if s.is(f.self) {
			return f.handOver(ctx, answering[0])
		}
		if err := f.raft.RemoveServer(s.id(), 0, f.cfg.Timing.Request).Error(); err != nil {
			return fmt.Errorf("remove: %w", err)
		}
	}
	return nil
}

// without counts the voters besides a server, and lists those of them that answer, who
// has most of the log first. The server counts if it votes and answers itself.
func (f *Federation) without(ctx context.Context, who peer.ID) (others int, answering []Member, counts bool) {
	for _, m := range f.Status(ctx).Members {
		switch {
		case !m.Voter:
		case m.Peer.ID == who:
			counts = counts || m.Answers
		default:
			if others++; m.Answers {
				answering = append(answering, m)
			}
		}
	}
	slices.SortStableFunc(answering, func(a, b Member) int { return cmp.Compare(a.Behind, b.Behind) })
	return others, answering, counts
}

// handOver makes another server lead, which is to do what is left. Raft by itself might
// choose one that does not answer.
func (f *Federation) handOver(ctx context.Context, to Member) error {
	for _, s := range f.seats() {
		if s.peer == to.Peer.ID && s.voter {
			// Its end is not waited for: raft v1.8.0 never answers what it has not begun
			// when it is shut down.
			f.raft.LeadershipTransferToServer(s.id(), s.address())
		}
	}
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Timing.Request)
	defer cancel()
	for f.raft.State() == raft.Leader {
		select {
		case <-time.After(f.cfg.Timing.Heartbeat / 10):
		case <-ctx.Done():
			return fmt.Errorf("hand leadership over to %s: %w", to.Peer.ID, ctx.Err())
		}
	}
	return nil
}
