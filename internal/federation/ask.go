package federation

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/names"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// ask asks another server one thing. A refusal is an error of type *refusedError.
func (f *Federation) ask(ctx context.Context, to peer.AddrInfo, request *pb.FederationRequest) (*pb.FederationResponse, error) {
	response, err := f.exchange(ctx, to, request)
	f.note(to.ID, response, err == nil)
	if err == nil || ctx.Err() == nil { // else whoever asked gave up
		f.tell(to.ID, err)
	}
	if err != nil {
		return nil, err
	}
	if r := response.GetRefusal(); r != nil {
		return nil, &refusedError{to.ID, r}
	}
	return response, nil
}

func (f *Federation) exchange(ctx context.Context, to peer.AddrInfo, request *pb.FederationRequest) (*pb.FederationResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	request.Network = f.cfg.Name
	c, err := f.dial(ctx, to, wire.Federation)
	if err != nil {
		return nil, fmt.Errorf("%w: dial %s: %w", errNotReached, to.ID, err)
	}
	defer c.Close()
	var response pb.FederationResponse
	if err := exchange(ctx, c, request, &response, maxResponse); err != nil {
		return nil, fmt.Errorf("ask %s: %w", to.ID, err)
	}
	return &response, nil
}

// contact is when a server answered last, and whether it did so when it was last
// asked.
type contact struct {
	at          time.Time
	incarnation random // as it last said
	answers     bool
	missed      bool // that it does not answer was told
}

func (f *Federation) note(server peer.ID, response *pb.FederationResponse, answers bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, known := f.heard[server]
	if !known && len(f.heard) >= 4*maxMembers {
		return // members come first: they are asked all the time
	}
	if c.answers = answers; answers {
		c.at = time.Now()
	}
	if s := response.GetStatus(); s != nil {
		c.incarnation = random(s.GetIncarnation())
	}
	f.heard[server] = c
}

// tell says once that a server does not answer, and once that it does again.
func (f *Federation) tell(server peer.ID, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c, known := f.heard[server]
	if !known || f.closed || c.missed == (err != nil) {
		return
	}
	c.missed = err != nil
	f.heard[server] = c
	if c.missed {
		f.log.Warn("a server of the federation does not answer", "server", server, "err", err)
	} else {
		f.log.Info("a server of the federation answers again", "server", server)
	}
}

// errNotReached: the other server got nothing of the question.
var errNotReached = errors.New("server is not reached")

// refusedError is what another server said instead of an answer.
type refusedError struct {
	by peer.ID
	*pb.FederationRefusal
}

func (e *refusedError) Error() string {
	return fmt.Sprintf("%s refuses: %q", e.by, shorten(e.Reason))
}

// Unwrap is the refusal as the error that it stands for.
func (e *refusedError) Unwrap() error {
	switch e.Kind {
	case pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_NO_MAJORITY:
		return &NoMajorityError{Answering: int(e.Answering), Members: int(e.Members), Uncertain: e.Uncertain}
	case pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_NOT_MEMBER:
		return ErrNotMember
	case pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_BUSY:
		return ErrBusy
	}
	return nil
}

// commandRequest is a command on its way to the leader.
func commandRequest(c names.Command) *pb.FederationRequest {
	switch c := c.(type) {
	case names.Claim:
		return &pb.FederationRequest{Body: &pb.FederationRequest_Claim{Claim: c.Proto()}}
	case names.Renew:
		return &pb.FederationRequest{Body: &pb.FederationRequest_Renew{Renew: c.Proto()}}
	case names.Removal:
		return &pb.FederationRequest{Body: &pb.FederationRequest_Remove{Remove: c.Proto()}}
	}
	panic(fmt.Sprintf("a %T is not passed on", c))
}

// commandOf is the reverse: nil if the request is no command.
func commandOf(r *pb.FederationRequest) (names.Command, error) {
	switch body := r.Body.(type) {
	case *pb.FederationRequest_Claim:
		return names.ClaimOf(body.Claim)
	case *pb.FederationRequest_Renew:
		return names.RenewOf(body.Renew)
	case *pb.FederationRequest_Remove:
		return names.RemovalOf(body.Remove)
	}
	return nil, nil
}
