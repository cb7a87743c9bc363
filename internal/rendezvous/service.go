package rendezvous

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Protocol is libp2p's.
const Protocol protocol.ID = "/rendezvous/1.0.0"

// Service answers on a host. Set its fields, then call Start; they do not change
// after it. Only Host is required.
type Service struct {
	// Host is where the service answers. It stays the caller's to close.
	Host   host.Host
	Limits Limits
	// Admit is asked before each request whether the connection's rate allows it,
	// and when it will; nil allows all. Registering tells what changes the table.
	Admit func(c network.Conn, registering bool) (wait time.Duration, ok bool)
	// Logger is told of streams that are reset; the default drops it.
	Logger *slog.Logger

	ctx     context.Context
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	answers chan struct{} // one for each long answer on its way

	mu      sync.Mutex // guards what follows
	running bool
	table   *Table
	streams map[network.Stream]bool
	perPeer map[peer.ID]int // streams
}

// Start begins to answer. It is called once.
func (s *Service) Start() {
	s.Limits = s.Limits.withDefaults()
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	var key [32]byte
	rand.Read(key[:]) // never fails
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.answers = make(chan struct{}, longAnswers)
	s.table = NewTable(key, s.Limits)
	s.streams = make(map[network.Stream]bool)
	s.perPeer = make(map[peer.ID]int)
	s.mu.Lock()
	s.running = true
	s.mu.Unlock()
	s.Host.SetStreamHandler(Protocol, s.serve)
}

// Close stops answering and waits for what is under way. It may be called twice.
func (s *Service) Close() error {
	s.mu.Lock()
	running := s.running
	s.running = false
	s.mu.Unlock()
	if running {
		s.Host.RemoveStreamHandler(Protocol)
		s.cancel()
		s.mu.Lock()
		for stream := range s.streams {
			_ = stream.Reset() // its goroutine ends with an error
		}
		s.mu.Unlock()
	}
	s.wg.Wait()
	return nil
}

// serve answers the requests of one stream. What is malformed costs the stream.
func (s *Service) serve(stream network.Stream) {
	if !s.admit(stream) {
		_ = stream.Reset()
		return
	}
	defer s.release(stream)
	if err := s.answerAll(stream); err != nil {
		s.Logger.Debug("rendezvous stream reset", "peer", stream.Conn().RemotePeer(), "err", err)
		_ = stream.Reset()
		return
	}
	_ = stream.Close()
}

// admit counts a stream against the limits.
func (s *Service) admit(stream network.Stream) bool {
	id := stream.Conn().RemotePeer()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running || len(s.streams) >= s.Limits.OpenStreams || s.perPeer[id] >= s.Limits.StreamsOfPeer {
		return false
	}
	s.streams[stream] = true
	s.perPeer[id]++
	s.wg.Add(1)
	return true
}

func (s *Service) release(stream network.Stream) {
	id := stream.Conn().RemotePeer()
	s.mu.Lock()
	delete(s.streams, stream)
	if s.perPeer[id]--; s.perPeer[id] == 0 {
		delete(s.perPeer, id)
	}
	s.mu.Unlock()
	s.wg.Done()
}

func (s *Service) answerAll(stream network.Stream) error {
	in := bufio.NewReaderSize(stream, 512)
	for {
		if err := stream.SetReadDeadline(time.Now().Add(quietTimeout)); err != nil {
			return err
		}
		if _, err := in.Peek(1); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := stream.SetReadDeadline(time.Now().Add(frameTimeout)); err != nil {
			return err
		}
		var req pb.RendezvousMessage
		if err := wire.ReadFrame(in, maxRequest, &req); err != nil {
			return err
		}
		if err := s.answer(stream, &req); err != nil {
			return err
		}
	}
}

// answer answers one request. An error is one of the stream; a refusal is an answer.
func (s *Service) answer(stream network.Stream, req *pb.RendezvousMessage) error {
	if req.Type == nil { // missing or unknown; its default would be to register
		return fmt.Errorf("%w: a message of no known type", errMalformed)
	}
	conn := stream.Conn()
	busy := error(nil)
	var wait time.Duration
	if s.Admit != nil {
		var ok bool
		wait, ok = s.Admit(conn, req.GetType() == pb.RendezvousType_RENDEZVOUS_REGISTER)
		if !ok {
			busy = refuse(Unavailable, "too many requests, try again later")
		}
	}
	var err error
	switch req.GetType() {
	case pb.RendezvousType_RENDEZVOUS_REGISTER:
		err = s.register(stream, req.GetRegister(), busy)
	case pb.RendezvousType_RENDEZVOUS_DISCOVER:
		err = s.discover(stream, req.GetDiscover(), busy)
	case pb.RendezvousType_RENDEZVOUS_UNREGISTER:
		// Nobody would learn that it was refused, and it only makes room.
		s.mu.Lock()
		s.table.Unregister(time.Now(), req.GetUnregister().GetNs(), conn.RemotePeer())
		s.mu.Unlock()
	default:
		return fmt.Errorf("%w: an answer that nobody asked for", errMalformed)
	}
	if err == nil && busy != nil {
		return s.pause(wait) // read no faster than is answered
	}
	return err
}

func (s *Service) register(stream network.Stream, req *pb.RendezvousRegister, refused error) error {
	var ttl time.Duration
	if refused == nil {
		ttl, refused = s.enter(stream.Conn().RemotePeer(), req)
	}
	reply := &pb.RendezvousRegisterResponse{}
	if reply.Status, reply.StatusText = encodeStatus(refused); refused == nil {
		reply.Ttl = proto.Uint64(uint64(ttl / time.Second))
	}
	return send(stream, maxResponse, &pb.RendezvousMessage{
		Type: pb.RendezvousType_RENDEZVOUS_REGISTER_RESPONSE.Enum(), RegisterResponse: reply,
	})
}

// enter verifies a registration and takes it. The connection proves the sender.
func (s *Service) enter(sender peer.ID, req *pb.RendezvousRegister) (time.Duration, error) {
	rec, err := openRecord(req.GetSignedPeerRecord())
	if err != nil {
		return 0, refuse(InvalidRecord, "the signed peer record is missing, too long or not sound")
	}
	if rec.PeerID != sender {
		return 0, refuse(NotAuthorized, "a peer registers only itself")
	}
	ttl := time.Duration(min(req.GetTtl(), uint64(MaxTTL/time.Second)+1)) * time.Second
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.table.Register(time.Now(), req.GetNs(), sender, req.GetSignedPeerRecord(), ttl)
}

func (s *Service) discover(stream network.Stream, req *pb.RendezvousDiscover, refused error) error {
	size := shortAnswer
	select {
	case s.answers <- struct{}{}:
		defer func() { <-s.answers }()
		size = longAnswer
	default:
	}
	var found []Registration
	reply := &pb.RendezvousDiscoverResponse{}
	if refused == nil {
		s.mu.Lock()
		found, reply.Cookie, refused = s.table.Discover(time.Now(), req.GetNs(), req.GetLimit(), req.GetCookie(), size)
		s.mu.Unlock()
	}
	reply.Status, reply.StatusText = encodeStatus(refused)
	for i := range found {
		reply.Registrations = append(reply.Registrations, &pb.RendezvousRegister{
			Ns: &found[i].Namespace, SignedPeerRecord: found[i].Record, Ttl: proto.Uint64(seconds(found[i].TTL)),
		})
	}
	return send(stream, maxResponse, &pb.RendezvousMessage{
		Type: pb.RendezvousType_RENDEZVOUS_DISCOVER_RESPONSE.Enum(), DiscoverResponse: reply,
	})
}

// seconds rounds up: what lives is not said to be over.
func seconds(d time.Duration) uint64 { return uint64((d + time.Second - 1) / time.Second) }

func send(stream network.Stream, limit int, m *pb.RendezvousMessage) error {
	if err := stream.SetWriteDeadline(time.Now().Add(frameTimeout)); err != nil {
		return err
	}
	return wire.WriteFrame(stream, limit, m)
}

func (s *Service) pause(d time.Duration) error {
	timer := time.NewTimer(min(d, maxPause))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.ctx.Done():
		return context.Cause(s.ctx)
	}
}
