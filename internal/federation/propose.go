package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"github.com/grapevine-p2p/grapevine/internal/names"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// propose brings a command into the log, here or at the leader. What was refused or
// lost on the way is tried again until the time is over: every command does the same
// twice as once. Again tells that an earlier attempt may have taken effect too.
func (f *Federation) propose(ctx context.Context, c names.Command) (outcome names.Outcome, again bool, err error) {
	within, cancel := context.WithTimeout(ctx, f.cfg.Timing.Request)
	defer cancel()
	within, stop := f.until(within)
	defer stop()
	for {
		outcome, err := f.try(within, c)
		var noMajority *NoMajorityError
		switch {
		case err == nil:
			return outcome, again, nil
		case errors.As(err, &noMajority):
			again = again || noMajority.Uncertain
		case errors.Is(err, ErrUncertain):
			again = true
		case errors.Is(err, errNotLeader):
		case again:
			return names.Outcome{}, again, fmt.Errorf("%w; %w", err, ErrUncertain)
		default:
			return names.Outcome{}, again, err
		}
		if f.leader() == "" && time.Since(f.lastLed()) > f.cfg.Timing.Request {
			return names.Outcome{}, again, f.noMajority(again) // known for long
		}
		select {
		case <-time.After(f.cfg.Timing.Heartbeat / 20):
			continue
		case <-within.Done():
		}
		switch {
		case f.ctx.Err() != nil:
			err = ErrClosed
		case ctx.Err() != nil:
			err = ctx.Err()
		default:
			return names.Outcome{}, again, f.noMajority(again)
		}
		if again {
			err = fmt.Errorf("%w; %w", err, ErrUncertain)
		}
		return names.Outcome{}, again, err
	}
}

// try does so once.
func (f *Federation) try(ctx context.Context, c names.Command) (names.Outcome, error) {
	if err := f.grants(); err != nil {
		return names.Outcome{}, err
	}
	leader, known := f.leaderMember()
	if !known {
		return names.Outcome{}, errNotLeader
	}
	if leader.is(f.self) {
		return f.commit(ctx, c)
	}
	select {
	case f.passing <- struct{}{}:
		defer func() { <-f.passing }()
	case <-ctx.Done():
		return names.Outcome{}, errNotLeader
	}
	response, err := f.ask(ctx, leader.info(), commandRequest(c))
	var refused *refusedError
	switch {
	case errors.As(err, &refused):
		switch refused.Kind {
		case pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_NOT_LEADER:
			return names.Outcome{}, errNotLeader
		case pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_FAILED:
			return names.Outcome{}, fmt.Errorf("%w: %w", ErrUncertain, err)
		}
		return names.Outcome{}, err
	case errors.Is(err, errNotReached):
		return names.Outcome{}, errNotLeader
	case err != nil:
		return names.Outcome{}, fmt.Errorf("%w: %w", ErrUncertain, err)
	}
	return names.OutcomeOf(response.GetOutcome())
}

// commit proposes a command as the leader and waits until it is applied.
func (f *Federation) commit(ctx context.Context, c names.Command) (names.Outcome, error) {
	if err := f.grants(); err != nil {
		return names.Outcome{}, err
	}
	clock := f.clock()
	if clock == nil {
		return names.Outcome{}, errNotLeader
	}
	select {
	case f.proposals <- struct{}{}:
	default:
		return names.Outcome{}, fmt.Errorf("%w: %d requests are under way", ErrBusy, maxProposals)
	}
	data, err := names.Entry{Stamp: clock.now(), RaftTerm: clock.term, Command: c}.Encode()
	if err != nil {
		<-f.proposals
		return names.Outcome{}, err
	}
	future := f.raft.Apply(data, f.cfg.Timing.Request)
	done := make(chan error, 1)
	f.wg.Go(func() {
		done <- future.Error()
		<-f.proposals
	})
	select {
	case err = <-done:
	case <-ctx.Done():
		return names.Outcome{}, ErrUncertain
	}
	switch {
	case err == nil:
		outcome, _ := future.Response().(names.Outcome)
		if outcome.Kind == names.Malformed {
			return outcome, names.ErrMalformed
		}
		return outcome, nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress), errors.Is(err, raft.ErrEnqueueTimeout):
		return names.Outcome{}, errNotLeader
	}
	return names.Outcome{}, fmt.Errorf("%w: %w", ErrUncertain, err)
}

// grants says why this server grants nothing, if it is its own affair.
func (f *Federation) grants() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.closed:
		return ErrClosed
	case f.rival != "":
		return fmt.Errorf("%w: another federation, %s, counts this server as a member, "+
			"though it began one of its own, %s", ErrNotMember, f.rival, f.id)
	case f.removed:
		return fmt.Errorf("%w: it was removed", ErrNotMember)
	case !f.admitted():
		return fmt.Errorf("%w: it waits to be admitted", ErrNotMember)
	}
	return nil
}

// noMajority counts who answers.
func (f *Federation) noMajority(uncertain bool) error {
	e := &NoMajorityError{Uncertain: uncertain}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.configuration().Servers {
		m, err := parseMember(s.Address)
		if err != nil || s.Suffrage != raft.Voter {
			continue
		}
		e.Members++
		heard := f.heard[m.peer]
		lately := heard.answers && time.Since(heard.at) < 3*f.cfg.Timing.Knock
		if m.is(f.self) || lately && (heard.incarnation == "" || heard.incarnation == m.incarnation) {
			e.Answering++
		}
	}
	return e
}
