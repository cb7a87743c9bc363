package main

import (
	"context"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// countedHost counts what the protocols on a host send. Identify and the handshakes
// of new connections are below it.
type countedHost struct {
	host.Host
	tally *tally
	dead  atomic.Bool // what a dead host says is not counted
}

func (h *countedHost) NewStream(ctx context.Context, p peer.ID, ids ...protocol.ID) (network.Stream, error) {
	s, err := h.Host.NewStream(ctx, p, ids...)
	if err != nil {
		return nil, err
	}
	return h.counted(s), nil
}

func (h *countedHost) SetStreamHandler(id protocol.ID, handle network.StreamHandler) {
	h.Host.SetStreamHandler(id, func(s network.Stream) { handle(h.counted(s)) })
}

func (h *countedHost) SetStreamHandlerMatch(id protocol.ID, match func(protocol.ID) bool, handle network.StreamHandler) {
	h.Host.SetStreamHandlerMatch(id, match, func(s network.Stream) { handle(h.counted(s)) })
}

func (h *countedHost) counted(s network.Stream) network.Stream {
	return &countedStream{Stream: s, host: h, split: splitter{protocol: s.Protocol(), tally: h.tally}}
}

// countedStream is written by one goroutine at a time, as every stream here.
type countedStream struct {
	network.Stream
	host  *countedHost
	split splitter
}

func (s *countedStream) Write(p []byte) (int, error) {
	n, err := s.Stream.Write(p)
	if !s.host.dead.Load() {
		s.split.write(p[:n])
	}
	return n, err
}
