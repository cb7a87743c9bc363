package backup

import (
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/durable"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// WithFS makes a service use fsys instead of the operating system's files.
func WithFS(fsys durable.FS) Option {
	return func(c *config) error { c.fsys = fsys; return nil }
}

// WithPatience bounds each wait in a transfer.
func WithPatience(d time.Duration) Option {
	return func(c *config) error {
		c.times.request, c.times.frame, c.times.idle, c.times.open = d, d, d, d
		return nil
	}
}

// WithQueryTime bounds each query.
func WithQueryTime(d time.Duration) Option {
	return func(c *config) error { c.times.query = d; return nil }
}

// BlobKey is the key of the query for a blob.
func BlobKey(id BlobID) p2p.Key { return blobKey(id) }

// NewOrder makes a signed order as Put does.
func NewOrder(k Key, network string, id BlobID, size int64) (*pb.Order, error) {
	label, err := sealLabel(k, id, Contents{Name: "name", Size: 1, Files: 1})
	if err != nil {
		return nil, err
	}
	o, err := newOrder(k, network, id, size, label, time.Unix(1_800_000_000, 0))
	if err != nil {
		return nil, err
	}
	return o.signed, nil
}

// Learn notes the addresses in a peer's signed record, which from has named.
func Learn(s *Service, id peer.ID, record []byte, from peer.ID) error {
	return s.learn(chainPeer{id, record}, from)
}
