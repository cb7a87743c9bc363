package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// fetching receives one blob, from whichever holders are alive.
type fetching struct {
	s    *Service
	id   BlobID
	tell report

	order    *order
	contents Contents
	ordered  chan struct{} // closed when order and contents are known
	at       int64         // bytes verified and written
	from     []peer.ID     // holders that gave bytes
	faults   map[peer.ID]int
	errs     []error
}

// errStopped: the reader of the bytes wants no more.
var errStopped = errors.New("stopped")

// run writes the blob's bytes to w, each verified. When a holder fails, another goes
// on where it ended.
func (f *fetching) run(ctx context.Context, w io.Writer) error {
	for round := 0; round < maxRounds; round++ {
		before, tried := f.at, 0
		for h, err := range f.s.Locate(ctx, f.id) {
			if err != nil {
				f.errs = append(f.errs, err)
				break
			}
			if f.faults[h.Peer.ID] >= maxHolderFaults {
				continue
			}
			tried++
			err := f.fetch(ctx, h.Peer.ID, w)
			if err == nil || errors.Is(err, errStopped) {
				return err
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			f.fault(h.Peer.ID, err)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if f.at > before {
			round = -1 // it goes on: ask anew
			continue
		}
		if tried == 0 {
			break // nobody is left; asking again would only take time
		}
	}
	return f.failure()
}

// fault notes that a holder failed; one that lies is not asked again.
func (f *fetching) fault(id peer.ID, err error) {
	f.s.log.Warn("holder failed", "peer", id, "blob", f.id, "at", f.at, "error", err)
	f.errs = append(f.errs, fmt.Errorf("holder %s: %w", id, err))
	f.faults[id]++
	if errors.Is(err, ErrDamaged) || errors.Is(err, errMalformed) || errors.Is(err, ErrWrongKey) {
		f.faults[id] = maxHolderFaults
	}
}

func (f *fetching) failure() error {
	errs := f.errs[max(0, len(f.errs)-3):] // the last ones tell enough
	if f.order == nil {
		return errors.Join(append([]error{ErrNotFound}, errs...)...)
	}
	return errors.Join(append([]error{fmt.Errorf("%w: %d of %d bytes came", ErrNotFound, f.at, f.order.size)}, errs...)...)
}

// fetch takes what one holder gives.
func (f *fetching) fetch(ctx context.Context, id peer.ID, w io.Writer) error {
	l, err := f.s.dial(ctx, id)
	if err != nil {
		return err
	}
	defer l.close()
	stop := context.AfterFunc(ctx, l.close)
	defer stop()
	ask := &pb.Fetch{Id: f.id[:], Offset: uint64(f.at)}
	if err := l.send(&pb.BackupMessage{Body: &pb.BackupMessage_Fetch{Fetch: ask}}, 0); err != nil {
		return err
	}
	m, err := l.receive(wire.MaxControlFrame, l.times.idle)
	if err != nil {
		return err
	}
	if m.GetBlob() == nil {
		return unexpected(m, "Blob")
	}
	if err := f.agree(m.GetBlob().GetOrder()); err != nil {
		return err
	}
	for f.at < f.order.size {
		m, err := l.receive(wire.MaxDataFrame, l.times.idle)
		if err != nil {
			return err
		}
		piece := m.GetSlice()
		if n := piece.GetLength(); n == 0 || n > maxChunk {
			return unexpected(m, "Slice")
		}
		// Pieces stay aligned, so that another holder can go on from any of them.
		if end := f.at + int64(piece.GetLength()); end != f.order.size && end%groupSize != 0 {
			return fmt.Errorf("%w: slice of %d bytes", errMalformed, piece.GetLength())
		}
		data, err := checkSlice(f.id, f.order.size, piece.GetBao(), f.at, int64(piece.GetLength()))
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return fmt.Errorf("%w: %w", errStopped, err)
		}
		f.at += int64(len(data))
		if !slices.Contains(f.from, id) {
			f.from = append(f.from, id)
		}
		f.tell.tell(Progress{Stage: StageFetch, Done: f.at, Total: f.order.size, Holder: id})
	}
	return nil
}

// agree checks that an order is the owner's for this blob: with it the size is known.
func (f *fetching) agree(signed *pb.Order) error {
	o, c, err := f.s.ownOrder(signed)
	if err != nil {
		return err
	}
	if o.id != f.id {
		return fmt.Errorf("%w: order for another blob", errMalformed)
	}
	if f.order == nil {
		f.order, f.contents = o, c
		close(f.ordered)
	} else if o.size != f.order.size {
		return fmt.Errorf("%w: order for another size", errMalformed)
	}
	return nil
}
