package backup

import (
	"fmt"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// supply serves a Fetch.
func (h *holder) supply(l *link, ask *pb.Fetch) error {
	if len(ask.GetId()) != len(BlobID{}) {
		return fmt.Errorf("%w: blob ID of %d bytes", errMalformed, len(ask.GetId()))
	}
	blob, err := h.store.open(BlobID(ask.GetId()))
	if err != nil {
		return err
	}
	defer blob.close()
	size := blob.order.size
	if ask.GetOffset() > uint64(size) || ask.GetOffset()%groupSize != 0 {
		return fmt.Errorf("%w: offset %d of %d", errMalformed, ask.GetOffset(), size)
	}
	if err := l.send(&pb.BackupMessage{Body: &pb.BackupMessage_Blob{Blob: &pb.Blob{Order: blob.order.signed}}}, 0); err != nil {
		return toldError{err}
	}
	for at := int64(ask.GetOffset()); at < size; {
		n := min(chunkSize, size-at)
		slice, _, err := blob.slice(at, n)
		if err != nil {
			return err
		}
		piece := &pb.Slice{Length: uint32(n), Bao: slice}
		if err := l.send(&pb.BackupMessage{Body: &pb.BackupMessage_Slice{Slice: piece}}, 0); err != nil {
			return toldError{err}
		}
		at += n
	}
	return told(l.send(endMessage(), 0))
}

// list serves a ListBlobs.
func (h *holder) list(l *link, ask *pb.ListBlobs) error {
	if len(ask.GetOwner()) != len(Owner{}) {
		return fmt.Errorf("%w: owner of %d bytes", errMalformed, len(ask.GetOwner()))
	}
	orders, _ := h.store.ownedBy(Owner(ask.GetOwner()))
	for _, o := range orders[:min(len(orders), maxListed)] {
		if err := l.send(&pb.BackupMessage{Body: &pb.BackupMessage_Holding{Holding: &pb.Holding{Order: o.signed}}}, 0); err != nil {
			return toldError{err}
		}
	}
	return told(l.send(endMessage(), 0))
}

func told(err error) error {
	if err != nil {
		return toldError{err}
	}
	return nil
}

func endMessage() *pb.BackupMessage {
	return &pb.BackupMessage{Body: &pb.BackupMessage_End{End: &pb.End{}}}
}
