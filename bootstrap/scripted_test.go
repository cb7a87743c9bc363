package bootstrap

import (
	"bufio"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// scripted is a server that answers as a test says, and notes what it was asked.
type scripted struct {
	host host.Host

	mu      sync.Mutex
	streams int
	asked   []asked
}

type asked struct {
	at     time.Time
	stream int // from 1
	req    *pb.DirectoryRequest
}

// script answers requests until reply returns nil, which resets the stream. A look-up
// is answered as of a name that nobody has.
func script(t testing.TB, reply func(*pb.DirectoryRequest) *pb.DirectoryResponse) *scripted {
	t.Helper()
	s := &scripted{host: newHost(t)}
	s.host.SetStreamHandler(wire.Directory, func(stream network.Stream) {
		s.mu.Lock()
		s.streams++
		number := s.streams
		s.mu.Unlock()
		in := bufio.NewReader(stream)
		for {
			var req pb.DirectoryRequest
			if wire.ReadFrame(in, maxRequest, &req) != nil {
				_ = stream.Close()
				return
			}
			s.mu.Lock()
			s.asked = append(s.asked, asked{time.Now(), number, &req})
			s.mu.Unlock()
			resp := errorResponse(pb.DirectoryErrorCode_DIRECTORY_ERROR_NOT_REGISTERED)
			if req.GetLookup() == nil {
				resp = reply(&req)
			}
			if resp == nil {
				_ = stream.Reset()
				return
			}
			resp.Id = req.Id
			if wire.WriteFrame(stream, maxResponse, resp) != nil {
				return
			}
		}
	})
	return s
}

// requests returns those asked so far that a test wants.
func (s *scripted) requests(want func(*pb.DirectoryRequest) bool) []asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.asked), func(a asked) bool { return !want(a.req) })
}

func isRenewal(r *pb.DirectoryRequest) bool { return r.GetRenew() != nil }

func isRegistration(r *pb.DirectoryRequest) bool { return r.GetRegister() != nil }

func errorResponse(code pb.DirectoryErrorCode, change ...func(*pb.DirectoryError)) *pb.DirectoryResponse {
	e := &pb.DirectoryError{Code: code, Reason: "as a test says"}
	for _, f := range change {
		f(e)
	}
	return &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Error{Error: e}}
}

func grantResponse(lease, term time.Duration) *pb.DirectoryResponse {
	return &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Granted{Granted: &pb.DirectoryGranted{
		LeaseMs: uint64(lease.Milliseconds()), TermMs: uint64(term.Milliseconds()), Fresh: true,
	}}}
}

func removedResponse() *pb.DirectoryResponse {
	return &pb.DirectoryResponse{Body: &pb.DirectoryResponse_Removed{Removed: &pb.DirectoryRemoved{}}}
}

// granting answers with grants, and takes removals.
func granting(lease, term time.Duration) func(*pb.DirectoryRequest) *pb.DirectoryResponse {
	return func(r *pb.DirectoryRequest) *pb.DirectoryResponse {
		if r.GetRemove() != nil {
			return removedResponse()
		}
		return grantResponse(lease, term)
	}
}

// clientOf makes a client with settings.
func clientOf(t testing.TB, cfg ClientConfig, servers ...*scripted) *Client {
	t.Helper()
	h := newHost(t)
	cfg.Logger = testLogger(t)
	var all []peer.AddrInfo
	for _, s := range servers {
		all = append(all, infoOf(s.host))
	}
	c, err := cfg.NewClient(h, all...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}
