package wire

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"github.com/grapevine-p2p/grapevine/internal/summary"
)

// ErrGap is returned by Resolve for a change to a summary that is not at hand.
var ErrGap = errors.New("summary changed from one that is not known")

// Summary tells what one peer shares: whole, or as a change from the one before.
// It is signed by its origin and passed on unchanged.
type Summary struct {
	Origin    PeerID
	Seq       uint64          // grows with each; the origin's clock in milliseconds when it was made
	Base      uint64          // the sequence number that Delta changes; 0: it is whole
	Filter    *summary.Filter // whole: nil if it shares nothing
	Delta     []byte
	Leaf      bool   // the origin relays nothing
	Signature []byte // by the origin, of the network, the above and the filter that results

	// What Resolve made of base, so that nodes in one process share it.
	base, resolved *summary.Filter
}

// Resolve returns the filter that holds after s, where known is the one of sequence
// number seq. Not safe for concurrent use.
func (s *Summary) Resolve(known *summary.Filter, seq uint64) (*summary.Filter, error) {
	switch {
	case s.Base == 0:
		return s.Filter, nil
	case s.Base != seq || known == nil:
		return nil, ErrGap
	case s.base == known:
		return s.resolved, nil
	}
	next, err := known.Apply(s.Delta)
	if err != nil {
		return nil, err
	}
	s.base, s.resolved = known, next
	return next, nil
}

// ToSign returns the bytes that the origin signs, where f is the filter that holds
// after s: the domain and a 0 byte, network and origin with a byte of length before
// each, the sequence number in 8 bytes, most significant first, 1 for a leaf or 0, and
// the SHA-256 hash of f's encoding, or 32 zero bytes for none.
func (s *Summary) ToSign(network string, f *summary.Filter) []byte {
	b := append([]byte(SummaryDomain), 0)
	b = append(append(b, byte(len(network))), network...)
	b = append(append(b, byte(len(s.Origin))), s.Origin...)
	b = binary.BigEndian.AppendUint64(b, s.Seq)
	if s.Leaf {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	var hash [sha256.Size]byte
	if f != nil {
		hash = sha256.Sum256(f.Bytes())
	}
	return append(b, hash[:]...)
}
