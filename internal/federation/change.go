package federation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/raft"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

var (
	errOtherFederation = errors.New("this server belongs to another federation")
	errStranger        = errors.New("this server knows you for no fellow")
	errLastServer      = errors.New("the last server of a federation cannot be removed")
)

// change is a server to be added, or all incarnations of one to be removed.
type change struct {
	member member
	remove bool
	back   bool // added only if it is a member, as whatever incarnation
}

// is tells whether two are the same.
func (c change) is(other change) bool { return c.remove == other.remove && c.member.is(other.member) }

// AddServer makes a server a member. It must be running, with this server or another
// member among its fellows; if it is a member already nothing changes.
func (f *Federation) AddServer(ctx context.Context, server peer.AddrInfo) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.wg.Done()
	if err := f.grants(); err != nil || server.ID == f.self.peer {
		return err
	}
	federation := f.federation()
	response, err := f.ask(ctx, server, &pb.FederationRequest{
		Body: &pb.FederationRequest_Admit{Admit: &pb.FederationAdmit{Federation: []byte(federation)}},
	})
	if err != nil {
		return err
	}
	m, err := memberOf(server.ID, f.cfg.Name, federation, response.GetConsent())
	if err != nil {
		return err
	}
	if len(m.addrs) == 0 {
		m.addrs = server.Addrs[:min(len(server.Addrs), maxAddrs)]
	}
	return f.drive(ctx, change{member: m})
}

// RemoveServer ends a server's membership, this one's too; if it is none nothing
// changes.
func (f *Federation) RemoveServer(ctx context.Context, server peer.ID) error {
	if err := f.enter(); err != nil {
		return err
	}
	defer f.wg.Done()
	return f.drive(ctx, change{member: member{peer: server}, remove: true})
}

// drive asks the leader for a change, again and again, until it is made.
func (f *Federation) drive(ctx context.Context, c change) error {
	ctx, cancel := context.WithTimeout(ctx, f.cfg.Timing.Change)
	defer cancel()
	ctx, stop := f.until(ctx)
	defer stop()
	for {
		finished, err := f.driveOnce(ctx, c)
		switch {
		case err == nil && finished:
			return nil
		case err != nil && !errors.Is(err, errNotLeader):
			return err
		}
		select {
		case <-time.After(f.cfg.Timing.Heartbeat / 4):
		case <-ctx.Done():
			if err == nil {
				err = errors.New("it takes longer")
			}
			return errors.Join(ctx.Err(), err)
		}
	}
}

func (f *Federation) driveOnce(ctx context.Context, c change) (finished bool, err error) {
	if err := f.grants(); err != nil {
		if c.remove && c.member.peer == f.self.peer && f.federation() != "" {
			return f.driveAnywhere(ctx, c)
		}
		return false, err
	}
	leader, known := f.leaderMember()
	switch {
	case !known && time.Since(f.lastLed()) > f.cfg.Timing.Request:
		return false, f.noMajority(false)
	case !known:
		return false, errNotLeader
	case leader.is(f.self):
		return f.begin(c)
	}
	return f.driveAt(ctx, c, leader.info())
}

// driveAnywhere asks for the end of this server's own membership when it is no member
// any more as far as it knows, and so does not know the leader.
func (f *Federation) driveAnywhere(ctx context.Context, c change) (finished bool, err error) {
	for _, to := range f.acquainted() {
		if finished, err = f.driveAt(ctx, c, to); err == nil {
			return finished, nil
		}
	}
	return false, errNotLeader
}

func (f *Federation) driveAt(ctx context.Context, c change, leader peer.AddrInfo) (finished bool, err error) {
	message := &pb.FederationChange{Peer: []byte(c.member.peer)}
	if !c.remove {
		message.Consent = c.member.consentProto()
	}
	response, err := f.ask(ctx, leader, &pb.FederationRequest{Body: &pb.FederationRequest_Change{Change: message}})
	var refused *refusedError
	switch {
	case errors.As(err, &refused) && refused.Kind == pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_NOT_LEADER:
		return false, errNotLeader
	case errors.As(err, &refused):
		return false, err
	case err != nil:
		return false, errNotLeader // to be asked again
	}
	return response.GetDone().GetFinished(), nil
}

// changeAsked is a change that another member drives.
func (f *Federation) changeAsked(m *pb.FederationChange) (*pb.FederationResponse, error) {
	who, err := peer.IDFromBytes(m.GetPeer())
	if err != nil {
		return nil, fmt.Errorf("%w: peer", errMalformed)
	}
	c := change{member: member{peer: who}, remove: true}
	if m.Consent != nil {
		added, err := memberOf(who, f.cfg.Name, f.federation(), m.Consent)
		if err != nil {
			return nil, err
		}
		c = change{member: added}
	}
	finished, err := f.begin(c)
	if err != nil {
		return nil, err
	}
	return &pb.FederationResponse{Body: &pb.FederationResponse_Done{Done: &pb.FederationDone{Finished: finished}}}, nil
}

// begin tells whether a change is made already; if it is not, and no other is under
// way, it begins it. What a change failed with is told to whoever still asks for the
// same; who asks later begins it anew.
func (f *Federation) begin(c change) (finished bool, err error) {
	if finished, err := f.settled(c); finished || err != nil {
		return finished, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changing {
		return false, nil
	}
	if p := f.problem; p != nil && p.change.is(c) && time.Since(p.at) < f.cfg.Timing.Request {
		f.problem = nil
		return false, p.err
	}
	if f.closed {
		return false, ErrClosed
	}
	if c.back && !f.isMember(c.member.peer) {
		return false, ErrNotMember // it was removed a moment ago
	}
	f.changing, f.problem = true, nil
	f.wg.Go(func() {
		err := f.carryOut(c)
		if err != nil {
			f.log.Warn("the federation's servers did not change", "server", c.member.peer, "remove", c.remove, "err", err)
		} else {
			f.log.Info("the federation's servers changed", "server", c.member.peer, "remove", c.remove)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.changing = false
		if err != nil && f.clock() != nil {
			f.problem = &problem{c, err, time.Now()}
		}
	})
	return false, nil
}

// problem is why the last change failed.
type problem struct {
	change change
	err    error
	at     time.Time
}

// settled tells whether a change is made for good, as only the leader knows: what it
// found in its log was committed before it had its clock, and what it changed since
// was committed when the change was over.
func (f *Federation) settled(c change) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	made := !f.changing && f.made(c)
	if f.clock() == nil {
		return false, errNotLeader
	}
	return made, nil
}

// made tells whether the configuration is as a change would leave it.
func (f *Federation) made(c change) bool {
	for _, s := range f.seats() {
		if s.peer == c.member.peer && (c.remove || !s.is(c.member)) {
			return false
		}
	}
	return c.remove || slices.ContainsFunc(f.seats(), func(s seat) bool {
		return s.is(c.member) && s.voter
	})
}

// carryOut makes a change, as the leader, step by step.
func (f *Federation) carryOut(c change) error {
	ctx, cancel := context.WithTimeout(f.ctx, f.cfg.Timing.Change)
	defer cancel()
	if c.remove {
		return f.carryOutRemoval(ctx, c.member.peer)
	}
	seats := f.seats()
	at := slices.IndexFunc(seats, func(s seat) bool { return s.is(c.member) })
	switch {
	case at < 0 && len(seats) >= maxMembers:
		return fmt.Errorf("a federation has at most %d servers", maxMembers)
	case at < 0:
		if err := f.raft.AddNonvoter(c.member.id(), c.member.address(), 0, f.cfg.Timing.Request).Error(); err != nil {
			return fmt.Errorf("begin to add: %w", err)
		}
	}
	if at < 0 || !seats[at].voter {
		if err := f.catchUp(ctx, c.member); err != nil {
			if at < 0 {
				err = errors.Join(err, f.raft.RemoveServer(c.member.id(), 0, f.cfg.Timing.Request).Error())
			}
			return err
		}
	}
	for _, s := range f.seats() { // what it was before it lost its state
		if s.peer == c.member.peer && !s.is(c.member) {
			if err := f.raft.RemoveServer(s.id(), 0, f.cfg.Timing.Request).Error(); err != nil {
				return fmt.Errorf("remove what it was before: %w", err)
			}
		}
	}
	if err := f.letVote(c.member); err != nil {
		return fmt.Errorf("let it vote: %w", err)
	}
	return nil
}

// letVote makes a server a voter, or notes where one is reached now.
func (f *Federation) letVote(m member) error {
	added := f.raft.AddVoter(m.id(), m.address(), 0, f.cfg.Timing.Request)
	// raft v1.8.0 sends the entry before it counts the new voter: an answer that is
	// quicker is lost, and only one to a later entry tells that this one arrived too.
	f.raft.Barrier(f.cfg.Timing.Request)
	return added.Error()
}

// catchUp waits until a server has applied all that the log held when it came.
func (f *Federation) catchUp(ctx context.Context, m member) error {
	goal := f.raft.LastIndex()
	for {
		status, err := f.askStatus(ctx, m.info())
		switch {
		case err == nil && random(status.GetIncarnation()) != m.incarnation:
			return errors.New("it lost its state meanwhile")
		case err == nil && status.GetAppliedIndex() >= goal:
			return nil
		}
		if f.clock() == nil {
			return raft.ErrLeadershipLost
		}
		select {
		case <-time.After(f.cfg.Timing.Heartbeat / 10):
		case <-ctx.Done():
			return errors.Join(errors.New("it does not catch up"), err)
		}
	}
}
