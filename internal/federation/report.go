package federation

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// statusResponse is how this server is, for others.
func (f *Federation) statusResponse() *pb.FederationResponse {
	status := &pb.FederationStatus{
		Incarnation: []byte(f.self.incarnation), Federation: []byte(f.federation()),
		State: f.raft.State().String(), LastIndex: f.raft.LastIndex(), AppliedIndex: f.raft.AppliedIndex(),
		Leader: []byte(f.leader()),
	}
	for _, s := range f.seats() {
		status.Members = append(status.Members, &pb.FederationMember{
			Peer: []byte(s.peer), Incarnation: []byte(s.incarnation), Addrs: addrBytes(s.addrs), Voter: s.voter,
		})
	}
	return &pb.FederationResponse{Body: &pb.FederationResponse_Status{Status: status}}
}

// wasRemoved tells whether the leader said that this server is no member any more.
func (f *Federation) wasRemoved() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.removed
}

func (f *Federation) askStatus(ctx context.Context, of peer.AddrInfo) (*pb.FederationStatus, error) {
	response, err := f.ask(ctx, of, &pb.FederationRequest{
		Body: &pb.FederationRequest_Status{Status: &pb.FederationStatusQuery{}},
	})
	if err != nil {
		return nil, err
	}
	return response.GetStatus(), nil
}

// Status asks the other members how they are, and returns when all have answered or
// ctx is done, after some seconds at most.
func (f *Federation) Status(ctx context.Context) Status {
	s := Status{Names: f.machine.len()}
	if err := f.enter(); err != nil {
		s.State, s.Why = "stopped", err.Error()
		return s
	}
	defer f.wg.Done()
	ctx, stop := f.until(ctx)
	defer stop()
	s.State = strings.ToLower(f.raft.State().String())
	if err := f.grants(); err != nil {
		s.State, s.Why = "stopped", err.Error()
		if f.federation() == "" || !f.admitted() || f.wasRemoved() {
			s.State = "waiting"
		}
	}
	if id := f.federation(); id != "" {
		s.ID = id.String()
	}
	if s.Why == "" {
		s.Leader = f.leader()
	}
	s.LastIndex, s.CommitIndex, s.AppliedIndex = f.raft.LastIndex(), f.raft.CommitIndex(), f.raft.AppliedIndex()
	s.Majority = s.Why == "" && s.Leader != "" && (s.Leader != f.self.peer || f.clock() != nil)

	seats := f.seats()
	if f.wasRemoved() { // though its own log does not say so
		seats = slices.DeleteFunc(seats, func(seat seat) bool { return seat.is(f.self) })
	}
	s.Members = make([]Member, len(seats))
	var wg sync.WaitGroup
	for i, seat := range seats {
		m := &s.Members[i]
		*m = Member{Peer: seat.info(), Voter: seat.voter, Leader: seat.peer == s.Leader, Contact: -1}
		if seat.is(f.self) {
			m.Self, m.Answers, m.Contact = true, true, 0
		}
		if seat.peer == f.self.peer { // or what it was before it lost its disk
			continue
		}
		wg.Go(func() {
			status, err := f.askStatus(ctx, seat.info())
			switch {
			case err == nil && random(status.GetIncarnation()) == seat.incarnation:
				m.Answers, m.Contact = true, 0
				m.Behind = int64(s.AppliedIndex) - int64(status.GetAppliedIndex())
			default:
				if heard := f.lastAnswer(seat.peer); !heard.IsZero() {
					m.Contact = time.Since(heard)
				}
			}
		})
	}
	wg.Wait()
	return s
}
