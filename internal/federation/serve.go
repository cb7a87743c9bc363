package federation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/names"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// errNotLeader is answered to a command that came to the wrong server.
var errNotLeader = errors.New("this server does not lead")

// accept handles each conn of a listener in a goroutine of its own, until the
// listener is closed.
func (f *Federation) accept(listener net.Listener, handle func(*conn)) {
	for {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		if own := f.conns.admit(c, f.isMember(remotePeer(c))); own != nil {
			f.wg.Go(func() { handle(own) })
		}
	}
}

// serve answers one request of another server.
func (f *Federation) serve(c *conn) {
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(helloTimeout))
	var request pb.FederationRequest
	if err := wire.ReadFrame(unbuffered{c}, maxRequest, &request); err != nil {
		f.log.Debug("a request of another server was not understood", "peer", c.peer, "err", err)
		return
	}
	_ = c.SetDeadline(time.Time{})
	ctx, cancel := context.WithTimeout(f.ctx, f.cfg.Timing.Request)
	defer cancel()
	response, err := f.answer(ctx, c.peer, &request)
	if err != nil {
		response = &pb.FederationResponse{Body: &pb.FederationResponse_Refusal{Refusal: f.refusal(err)}}
	}
	_ = c.SetDeadline(time.Now().Add(helloTimeout))
	if err := wire.WriteFrame(c, maxResponse, response); err != nil {
		f.log.Debug("an answer did not reach another server", "peer", c.peer, "err", err)
	}
}

func (f *Federation) answer(ctx context.Context, from peer.ID, r *pb.FederationRequest) (*pb.FederationResponse, error) {
	if r.Network != f.cfg.Name {
		return nil, fmt.Errorf("%w: this is network %q", errOtherNetwork, f.cfg.Name)
	}
	switch body := r.Body.(type) {
	case *pb.FederationRequest_Status:
		return f.statusResponse(), nil
	case *pb.FederationRequest_Knock:
		return f.knocked(from, body.Knock)
	case *pb.FederationRequest_Admit:
		return f.consent(ctx, from, random(body.Admit.GetFederation()))
	}
	change := r.GetChange()
	leaves := change != nil && change.Consent == nil && peer.ID(change.Peer) == from
	// The rest is for members, and for those who are to be members no more.
	if !leaves && !f.isMember(from) {
		return nil, fmt.Errorf("%w: %s is none", ErrNotMember, from)
	}
	if change != nil {
		return f.changeAsked(change)
	}
	command, err := commandOf(r)
	if err != nil {
		return nil, err
	}
	if command == nil {
		return nil, fmt.Errorf("%w: unknown request", errMalformed)
	}
	outcome, err := f.commit(ctx, command)
	if err != nil {
		return nil, err
	}
	return &pb.FederationResponse{Body: &pb.FederationResponse_Outcome{Outcome: outcome.Proto()}}, nil
}

var errOtherNetwork = errors.New("other network")

// refusal puts an error into words for another server.
func (f *Federation) refusal(err error) *pb.FederationRefusal {
	r := &pb.FederationRefusal{Reason: shorten(err.Error()), Leader: []byte(f.leader())}
	var noMajority *NoMajorityError
	switch {
	case errors.As(err, &noMajority):
		r.Kind = pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_NO_MAJORITY
		r.Answering, r.Members = uint32(noMajority.Answering), uint32(noMajority.Members)
		r.Uncertain = noMajority.Uncertain
	case errors.Is(err, errNotLeader):
		r.Kind = pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_NOT_LEADER
	case errors.Is(err, ErrNotMember):
		r.Kind = pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_NOT_MEMBER
	case errors.Is(err, errOtherNetwork):
		r.Kind = pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_OTHER_NETWORK
	case errors.Is(err, names.ErrMalformed), errors.Is(err, errMalformed):
		r.Kind = pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_MALFORMED
	case errors.Is(err, ErrBusy):
		r.Kind = pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_BUSY
	default:
		r.Kind = pb.FederationRefusalKind_FEDERATION_REFUSAL_KIND_FAILED
		r.Uncertain = true
	}
	return r
}
