package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/streamconn"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// holder keeps blobs for others.
type holder struct {
	service   *Service
	store     *store
	log       *slog.Logger
	record    ownRecord
	awaited   transfers // conns whose request has not come yet
	transfers transfers
	listener  net.Listener
	stopShare func()
}

// startHolder opens the store and serves it.
func (s *Service) startHolder(quota int64) error {
	st, err := openStore(s.fsys, s.folder, s.node.Network(), quota, s.log)
	if err != nil {
		return err
	}
	st.changed = s.node.Reindex
	l, err := s.node.Listen(wire.BackupService)
	if err != nil {
		return err
	}
	s.holder = &holder{
		service: s, store: st, log: s.log, record: ownRecord{host: s.node.Host()}, listener: l,
		awaited:   transfers{most: math.MaxInt, each: maxPeerTransfers},
		transfers: transfers{most: maxTransfers, each: maxPeerTransfers},
	}
	s.holder.stopShare = s.node.Share(index{s.holder})
	s.wg.Go(s.holder.accept)
	return nil
}

func (h *holder) stop() {
	h.stopShare()
	_ = h.listener.Close() // at worst the node closed it
}

// accept serves conns until the listener closes.
func (h *holder) accept() {
	for {
		conn, err := h.listener.Accept()
		if err != nil {
			return
		}
		remote, ok := conn.RemoteAddr().(streamconn.Addr)
		if !ok || !h.service.enter() {
			_ = conn.Close()
			continue
		}
		go func() {
			defer h.service.wg.Done()
			h.serve(conn, remote.Peer)
		}()
	}
}

// serve answers the one request of a conn.
func (h *holder) serve(conn net.Conn, remote peer.ID) {
	l := newLink(conn, h.service.times)
	defer l.close()
	ctx, cancel := context.WithCancel(h.service.ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	if err := h.answer(ctx, l, remote); err != nil {
		h.log.Debug("backup request ended", "peer", remote, "error", err)
		var told toldError
		if !errors.As(err, &told) {
			_ = l.send(refusalMessage(err), 0) // it may be gone
		}
	}
}

// toldError is an error that the other side knows of, or caused by going away.
type toldError struct{ error }

func (e toldError) Unwrap() error { return e.error }

func (h *holder) answer(ctx context.Context, l *link, remote peer.ID) error {
	m, err := h.request(l, remote)
	if err != nil {
		return err
	}
	if !h.transfers.begin(remote) {
		return fmt.Errorf("%w: too many transfers", ErrBusy)
	}
	defer h.transfers.end(remote)
	switch body := m.GetBody().(type) {
	case *pb.BackupMessage_Store:
		return h.receive(ctx, l, body.Store, remote)
	case *pb.BackupMessage_Fetch:
		return h.supply(l, body.Fetch)
	case *pb.BackupMessage_List:
		return h.list(l, body.List)
	}
	return unexpected(m, "a request")
}

// request receives what a peer asks. Who says nothing takes no other peer's place.
func (h *holder) request(l *link, remote peer.ID) (*pb.BackupMessage, error) {
	if !h.awaited.begin(remote) {
		return nil, fmt.Errorf("%w: too many conns without a request", ErrBusy)
	}
	defer h.awaited.end(remote)
	m, err := l.receiveWithin(wire.MaxControlFrame, l.times.request)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errMalformed, err)
	}
	return m, nil
}
