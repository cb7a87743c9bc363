package federation

import (
	"context"

	"github.com/hashicorp/raft"
)

// ballots lets raft vote for candidates whom it does not know. A follower that is
// behind knows old members only, and raft v1.8.0 refuses its vote to all others;
// where that vote is needed for a majority, nobody would ever lead again. By the
// algorithm it has to vote by term and log alone (Ongaro's thesis, section 4.1).
// Who may ask at all was settled when the stream was opened.
type ballots struct {
	*raft.NetworkTransport
	passed chan raft.RPC
}

var (
	_ raft.Transport   = (*ballots)(nil)
	_ raft.WithPreVote = (*ballots)(nil)
)

// Consumer returns what [ballots.pass] passed on.
func (b *ballots) Consumer() <-chan raft.RPC { return b.passed }

// pass takes the candidate's ID out of what asks for a vote. A request without one
// is judged without it; that for a preliminary vote has to have one, so it gets that
// of a voter, which it is compared with and no more.
func (b *ballots) pass(ctx context.Context, voter func() raft.ServerID) {
	for {
		var rpc raft.RPC
		select {
		case rpc = <-b.NetworkTransport.Consumer():
		case <-ctx.Done():
			return
		}
		switch request := rpc.Command.(type) {
		case *raft.RequestVoteRequest:
			request.ID = nil
		case *raft.RequestPreVoteRequest:
			request.ID = []byte(voter())
		}
		select {
		case b.passed <- rpc:
		case <-ctx.Done():
			return
		}
	}
}

// anyVoter is the ID of a voter, "" if none is known.
func (f *Federation) anyVoter() raft.ServerID {
	for _, s := range f.configuration().Servers {
		if s.Suffrage == raft.Voter {
			return s.ID
		}
	}
	return ""
}
