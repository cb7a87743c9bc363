package bootstrap

import (
	"bufio"
	"errors"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// streamBuffer is what a waiting stream costs in each direction.
const streamBuffer = 512

// serve answers the requests of one stream. What is malformed costs the stream.
func (s *Server) serve(stream network.Stream) {
	if !s.admit(stream) {
		s.counts.streamsRefused.Add(1)
		_ = stream.Reset()
		return
	}
	defer s.release(stream)
	err := s.answerAll(stream)
	if err == nil {
		_ = stream.Close()
		return
	}
	if errors.Is(err, wire.ErrMalformed) || errors.Is(err, wire.ErrTooLarge) {
		s.counts.malformed.Add(1)
		s.log.Debug("directory stream reset", "peer", stream.Conn().RemotePeer(), "err", err)
	}
	_ = stream.Reset()
}

// admit counts a stream against the limits. Strangers keep no server of the federation
// out.
func (s *Server) admit(stream network.Stream) bool {
	id := stream.Conn().RemotePeer()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.running || s.perPeer[id] >= s.Limits.StreamsPerPeer || len(s.streams) >= s.Limits.Streams && !s.hasMember(id) {
		return false
	}
	s.streams[stream] = true
	s.perPeer[id]++
	s.wg.Add(1)
	return true
}

func (s *Server) release(stream network.Stream) {
	id := stream.Conn().RemotePeer()
	s.mu.Lock()
	delete(s.streams, stream)
	if s.perPeer[id]--; s.perPeer[id] == 0 {
		delete(s.perPeer, id)
	}
	s.mu.Unlock()
	s.wg.Done()
}

// cut ends the streams of a peer.
func (s *Server) cut(id peer.ID) {
	s.mu.Lock()
	var all []network.Stream
	for stream := range s.streams {
		if stream.Conn().RemotePeer() == id {
			all = append(all, stream)
		}
	}
	s.mu.Unlock()
	for _, stream := range all {
		_ = stream.Reset() // its goroutine ends with an error
	}
}

func (s *Server) answerAll(stream network.Stream) error {
	in := bufio.NewReaderSize(stream, streamBuffer)
	out := &replies{stream: stream, w: bufio.NewWriterSize(stream, streamBuffer)}
	for {
		if err := stream.SetReadDeadline(time.Now().Add(idleTimeout)); err != nil {
			return err
		}
		if _, err := in.Peek(1); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		if err := stream.SetReadDeadline(time.Now().Add(messageTimeout)); err != nil {
			return err
		}
		var req pb.DirectoryRequest
		if err := wire.ReadFrame(in, maxRequest, &req); err != nil {
			return err
		}
		out.id = req.Id
		if err := s.answer(stream, &req, out); err != nil {
			return err
		}
	}
}

// replies writes the answers to one request after another.
type replies struct {
	stream network.Stream
	w      *bufio.Writer
	id     uint64
	over   time.Time // when an answer in pages has to be out; zero: it is one message
}

// allow gives the next write its time.
func (o *replies) allow() error {
	deadline := time.Now().Add(messageTimeout)
	if !o.over.IsZero() && o.over.Before(deadline) {
		deadline = o.over
	}
	return o.stream.SetWriteDeadline(deadline)
}

// send writes one frame, which may wait in the buffer for flush.
func (o *replies) send(r *pb.DirectoryResponse) error {
	r.Id = o.id
	if err := o.allow(); err != nil {
		return err
	}
	return wire.WriteFrame(o.w, maxResponse, r)
}

// write writes whole frames at once.
func (o *replies) write(frames []byte) error {
	if err := o.flush(); err != nil {
		return err
	}
	_, err := o.stream.Write(frames)
	return err
}

func (o *replies) flush() error {
	if err := o.allow(); err != nil {
		return err
	}
	return o.w.Flush()
}

// answer answers one request. An error is one of the stream; a refusal is an answer.
func (s *Server) answer(stream network.Stream, req *pb.DirectoryRequest, out *replies) error {
	remote := stream.Conn().RemotePeer()
	if wait, ok := s.within(stream.Conn(), false); !ok {
		if err := s.refuse(out, busy(wait)); err != nil {
			return err
		}
		return s.pause(wait) // read no faster than is answered
	}
	if req.Network != s.Network {
		return s.refuse(out, otherNetwork(s.Network, req.Network))
	}
	var reply *pb.DirectoryResponse
	var err error
	switch body := req.Body.(type) {
	case *pb.DirectoryRequest_Register:
		s.claiming.Add(1)
		reply, err = s.register(stream.Conn(), body.Register)
		s.claiming.Add(-1)
	case *pb.DirectoryRequest_Renew:
		reply, err = s.renew(remote, body.Renew)
	case *pb.DirectoryRequest_Lookup:
		reply, err = s.lookup(body.Lookup.GetName())
	case *pb.DirectoryRequest_Remove:
		s.claiming.Add(1)
		reply, err = s.remove(stream.Conn(), body.Remove.GetRecord())
		s.claiming.Add(-1)
	case *pb.DirectoryRequest_Sample:
		reply = s.sample(remote, int(body.Sample.GetMax()))
	case *pb.DirectoryRequest_List:
		_, err := s.sendList(stream.Conn(), out, false)
		if errors.Is(err, ErrBusy) {
			return s.refuse(out, err)
		}
		return err
	case *pb.DirectoryRequest_Watch:
		return s.watch(stream.Conn(), body.Watch, out)
	default:
		err = ErrUnsupported
	}
	if err != nil {
		return s.refuse(out, err)
	}
	if err := out.send(reply); err != nil {
		return err
	}
	return out.flush()
}

func (s *Server) refuse(out *replies, err error) error {
	if !errors.Is(err, ErrBusy) && !errors.Is(err, ErrNotRegistered) {
		s.counts.refused.Add(1)
	}
	if err := out.send(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Error{Error: encodeError(err, time.Now())}}); err != nil {
		return err
	}
	return out.flush()
}

func (s *Server) pause(d time.Duration) error {
	timer := time.NewTimer(min(d, time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-s.ctx.Done():
		return ErrClosed
	}
}

// within takes from the rates of whoever is at the other end, and says in how long
// it may ask again when they are used up. Registrations and removals have rates of
// their own besides. A server of the federation asks seldom, and is not to be kept out by
// who used up the rate of its address.
func (s *Server) within(conn network.Conn, claiming bool) (wait time.Duration, ok bool) {
	from, _ := origin(conn.RemoteMultiaddr())
	s.mu.Lock()
	now := time.Now()
	ok = s.hasMember(conn.RemotePeer())
	if !ok {
		wait, ok = s.requests.take(now, conn.RemotePeer(), from)
	}
	if ok && claiming {
		wait, ok = s.claims.take(now, conn.RemotePeer(), from)
	}
	s.mu.Unlock()
	if !ok {
		s.counts.busy.Add(1)
	}
	return wait, ok
}
