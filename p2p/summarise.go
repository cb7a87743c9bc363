package p2p

import (
	"bytes"
	"context"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	pb "github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/time/rate"

	"github.com/grapevine-p2p/grapevine/internal/overlay"
	"github.com/grapevine-p2p/grapevine/internal/summary"
	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/words"
)

// Reindex tells the node that what its indices hold has changed, so that others find
// it. It returns at once, and may be called as often as anything changes: indices are
// read once a second at the most. [Node.Share] and stopping it imply it.
func (n *Node) Reindex() {
	select {
	case n.reindex <- struct{}{}:
	default: // it will be read anyway
	}
}

// summarise reads the indices after they changed, and hands the core a summary.
func (n *Node) summarise() {
	turns := rate.NewLimiter(rate.Every(reindexTime), 1)
	var told []byte
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-n.reindex:
		}
		turn := time.NewTimer(turns.Reserve().Delay())
		select {
		case <-n.ctx.Done():
			turn.Stop()
			return
		case <-turn.C:
		}
		select {
		case <-n.reindex: // what it tells of is read now
		default:
		}
		f := n.shares.filter(n.ctx)
		if encoded := f.Bytes(); !bytes.Equal(encoded, told) {
			told = encoded
			n.driver.handle(overlay.Event{Kind: overlay.Share, Filter: f})
		}
	}
}

// filter is the summary of all indices; nil for nothing.
func (s *shares) filter(ctx context.Context) *summary.Filter {
	s.mu.RLock()
	indices := s.indices
	s.mu.RUnlock()
	var b summary.Builder
	for _, index := range indices {
		for e := range (*index).Entries() {
			switch {
			case ctx.Err() != nil:
				return nil
			case len(e.Key) > wire.MaxKey:
				continue // no query can ask for it
			}
			var all []string
			for _, w := range e.Words {
				all = append(all, words.Findable(w)...)
			}
			b.Add(string(e.Key), all)
		}
	}
	return b.Filter()
}

// signer signs the node's summaries. A host whose key is no Ed25519 signs none, and
// what its node shares is found by walks that come to it alone.
func (n *Node) signer() func(*wire.Summary, *summary.Filter) []byte {
	key := n.host.Peerstore().PrivKey(n.host.ID())
	return func(s *wire.Summary, f *summary.Filter) []byte {
		if key == nil || key.Type() != pb.KeyType_Ed25519 {
			return nil
		}
		signature, err := key.Sign(s.ToSign(n.network, f))
		if err != nil {
			n.log.Error("own summary not signed", "error", err)
			return nil
		}
		return signature
	}
}

// proves tells whether a summary is signed by its origin.
func (n *Node) proves(s *wire.Summary, f *summary.Filter) bool {
	if len(s.Signature) != wire.SignatureSize {
		return false
	}
	key, err := publicKey(s.Origin)
	if err != nil || key.Type() != pb.KeyType_Ed25519 {
		return false
	}
	good, err := key.Verify(s.ToSign(n.network, f), s.Signature)
	return err == nil && good
}

// publicKey is the one that a peer ID holds, which only those of small keys do.
func publicKey(p wire.PeerID) (crypto.PubKey, error) {
	id, err := peer.IDFromBytes([]byte(p))
	if err != nil {
		return nil, err
	}
	return id.ExtractPublicKey()
}
