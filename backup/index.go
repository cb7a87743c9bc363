package backup

import (
	"iter"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// Keys of queries. They tell a blob's hash or an owner's public key, no name.
const offerKey p2p.Key = "grapevine.backup/offer"

const (
	blobPrefix  = "grapevine.backup/blob/"
	ownerPrefix = "grapevine.backup/owner/"
)

func blobKey(id BlobID) p2p.Key   { return p2p.Key(blobPrefix + string(id[:])) }
func ownerKey(o Owner) p2p.Key    { return p2p.Key(ownerPrefix + string(o[:])) }
func isKey(k, prefix string) bool { return len(k) == len(prefix)+32 && k[:len(prefix)] == prefix }

// index answers queries of owners from what the holder has in memory.
type index struct{ holder *holder }

var _ p2p.Index = index{}

// Match implements [p2p.Index].
func (x index) Match(q p2p.Query) []p2p.Item {
	if len(q.Words) > 0 {
		return nil
	}
	switch key := string(q.Key); {
	case q.Key == offerKey:
		return x.offer()
	case isKey(key, blobPrefix):
		if o := x.holder.store.find(BlobID([]byte(key[len(blobPrefix):]))); o != nil {
			return []p2p.Item{{Key: q.Key, Size: o.size}}
		}
	case isKey(key, ownerPrefix):
		if orders, size := x.holder.store.ownedBy(Owner([]byte(key[len(ownerPrefix):]))); len(orders) > 0 {
			return []p2p.Item{{Key: q.Key, Size: size}}
		}
	}
	return nil
}

// Entries implements [p2p.Index].
func (x index) Entries() iter.Seq[p2p.Entry] {
	return func(yield func(p2p.Entry) bool) {
		if !x.holder.full() && !yield(p2p.Entry{Key: offerKey}) {
			return
		}
		blobs, owners := x.holder.store.list()
		for _, o := range owners {
			if !yield(p2p.Entry{Key: ownerKey(o)}) {
				return
			}
		}
		for _, id := range blobs {
			if !yield(p2p.Entry{Key: blobKey(id)}) {
				return
			}
		}
	}
}

// full tells whether there is no space to offer.
func (h *holder) full() bool { return h.store.usage() >= h.store.quota }

// offer says what space there is, unless there is none. A holder that is busy says so,
// rather than nothing: its summary promises an answer.
func (x index) offer() []p2p.Item {
	h := x.holder
	held := h.store.usage()
	if held >= h.store.quota {
		return nil
	}
	record, err := h.record.get()
	if err != nil {
		h.log.Error("no offer made", "error", err)
		return nil
	}
	data, err := proto.Marshal(&pb.Offer{
		Quota: uint64(h.store.quota), Held: uint64(held), Active: uint32(h.transfers.active()), Record: record,
	})
	if err != nil {
		h.log.Error("no offer made", "error", err)
		return nil
	}
	return []p2p.Item{{Key: offerKey, Size: h.store.quota - held, Data: data}}
}
