package backup

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// receive serves a Store: it reserves space here and behind, takes the blob and passes
// it on while it stores, and tells each peer's outcome.
func (h *holder) receive(ctx context.Context, l *link, ask *pb.Store, remote peer.ID) error {
	o, err := checkOrder(h.store.network, ask.GetOrder())
	if err != nil {
		return err
	}
	behind, err := h.checkChain(ask.GetChain())
	if err != nil {
		return err
	}
	in, err := h.store.reserve(o)
	have := errors.Is(err, errHave)
	if err != nil && !have {
		return err
	}
	if in != nil {
		defer func() {
			if err := in.abort(); err != nil {
				h.log.Warn("remains of a blob not removed", "blob", o.id, "error", err)
			}
		}()
		if err := in.begin(); err != nil {
			return err
		}
	}
	next := h.service.openChain(ctx, o, behind, remote)
	defer next.abort()
	ready := &pb.Ready{Have: have}
	if err := l.send(&pb.BackupMessage{Body: &pb.BackupMessage_Ready{Ready: ready}}, 0); err != nil {
		return toldError{err}
	}
	var failure error // of our own copy
	if have {
		failure = h.copyOut(o, next, len(behind))
	} else {
		if failure, err = h.take(l, in, next, len(behind)); err != nil {
			return toldError{err}
		}
		if failure == nil {
			failure = in.commit()
		}
	}
	own := outcome{peer: h.service.node.ID(), err: failure}
	if failure == nil {
		own.receipt, own.err = h.receipt(o)
	} else {
		h.log.Error("blob not kept", "blob", o.id, "error", failure)
	}
	if err := tellOutcome(l, own); err != nil {
		return toldError{err}
	}
	for _, other := range next.finish(ctx, len(behind)) {
		if err := tellOutcome(l, other); err != nil {
			return toldError{err}
		}
	}
	return nil
}

// take receives the blob's bytes. failure is of our own copy: the bytes go on to the
// peers behind all the same. err is of the one that they come from.
func (h *holder) take(l *link, in *incoming, next *chain, behind int) (failure, err error) {
	late := time.Now().Add(transferLimit(in.order.size, behind))
	for left := in.order.size; left > 0; {
		if time.Now().After(late) {
			return nil, fmt.Errorf("%w: %d of %d bytes are missing", errSlow, left, in.order.size)
		}
		m, err := l.receive(wire.MaxDataFrame, l.times.idle)
		if err != nil {
			return nil, err
		}
		piece := m.GetData().GetBytes()
		if len(piece) == 0 || len(piece) > maxChunk || int64(len(piece)) > left {
			return nil, unexpected(m, "Data of the size announced")
		}
		left -= int64(len(piece))
		if failure == nil {
			failure = in.write(piece)
		}
		next.send(piece, behind-1)
		if failure != nil && !next.wants() {
			return failure, nil
		}
	}
	return failure, nil
}

// transferLimit is how long a blob may take. Those in front in a chain wait longer, so
// that the last one gives up first and the others can go on.
func transferLimit(size int64, behind int) time.Duration {
	return transferTime*time.Duration(behind+1) + time.Duration(size/leastRate)*time.Second
}

// copyOut passes on, from our disk, a blob that was here before. Our copy counts.
func (h *holder) copyOut(o *order, next *chain, behind int) error {
	if !next.wants() {
		return nil
	}
	blob, err := h.store.open(o.id)
	if err != nil {
		return err
	}
	defer blob.close()
	for at := int64(0); at < o.size && next.wants(); {
		_, piece, err := blob.slice(at, min(chunkSize, o.size-at))
		if err != nil {
			return err
		}
		next.send(piece, behind-1)
		at += int64(len(piece))
	}
	return nil
}

// checkChain checks the peers behind us.
func (h *holder) checkChain(asked []*pb.ChainPeer) ([]chainPeer, error) {
	if len(asked) > maxChain {
		return nil, fmt.Errorf("%w: chain of %d", errMalformed, len(asked))
	}
	var peers []chainPeer
	for _, c := range asked {
		id, err := peer.IDFromBytes(c.GetPeer())
		if err != nil || len(c.GetRecord()) > maxOfferRecord || id == h.service.node.ID() ||
			slices.ContainsFunc(peers, func(p chainPeer) bool { return p.id == id }) {
			return nil, fmt.Errorf("%w: chain", errMalformed)
		}
		peers = append(peers, chainPeer{id, c.GetRecord()})
	}
	return peers, nil
}

func (h *holder) receipt(o *order) (*pb.Receipt, error) {
	node := h.service.node
	return signReceipt(node.Host().Peerstore().PrivKey(node.ID()), node.ID(), h.store.network, o, time.Now())
}

func tellOutcome(l *link, o outcome) error {
	told := &pb.Outcome{Peer: []byte(o.peer), Receipt: o.receipt}
	if o.err != nil {
		told.Receipt, told.Failure = nil, refusalOf(o.err)
	}
	return l.send(&pb.BackupMessage{Body: &pb.BackupMessage_Outcome{Outcome: told}}, 0)
}
