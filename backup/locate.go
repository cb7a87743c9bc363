package backup

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Holder is a live peer that says that it holds a blob.
type Holder struct {
	Peer peer.AddrInfo
	Size int64         // of the blob, as it says
	Hops int           // links that the query had gone; 0 is this node
	RTT  time.Duration // from asking to its answer
}

// Locate asks the overlay for a blob and yields the holders that answer, until nothing
// more comes, for 6 s at most. A holder's word is not proved: Get proves every byte.
func (s *Service) Locate(ctx context.Context, id BlobID) iter.Seq2[Holder, error] {
	return func(yield func(Holder, error) bool) {
		ctx, end, err := s.begin(ctx)
		if err != nil {
			yield(Holder{}, err)
			return
		}
		defer end()
		for hit, err := range s.ask(ctx, blobKey(id), maxHolders, locateQuiet) {
			if err != nil {
				yield(Holder{}, fmt.Errorf("locate blob %s: %w", id.Short(), err))
				return
			}
			if !yield(Holder{Peer: hit.From, Size: hit.Item.Size, Hops: hit.Hops, RTT: hit.RTT}, nil) {
				return
			}
		}
	}
}
