package backup

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Domains of what is signed: no signature of one kind can pass for another.
const (
	orderDomain   = "grapevine-backup-order"
	receiptDomain = "grapevine-backup-receipt"
)

// order is an owner's signed word about one blob; see pb.Order. Immutable.
type order struct {
	id    BlobID
	size  int64
	owner Owner
	label []byte
	made  time.Time

	signed *pb.Order
}

// newOrder makes and signs an order of k.
func newOrder(k Key, network string, id BlobID, size int64, label []byte, made time.Time) (*order, error) {
	owner := k.Owner()
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(&pb.OrderBody{
		Network: network, Id: id[:], Size: uint64(size), Owner: owner[:], Label: label, Made: made.Unix(),
	})
	if err != nil {
		return nil, fmt.Errorf("encode order: %w", err)
	}
	signed := &pb.Order{Body: body, Signature: ed25519.Sign(k.signer(), toSign(orderDomain, body))}
	return checkOrder(network, signed)
}

// checkOrder proves an order that came from elsewhere.
func checkOrder(network string, signed *pb.Order) (*order, error) {
	var body pb.OrderBody
	switch {
	case proto.Size(signed) > maxOrder:
		return nil, fmt.Errorf("order: %w: over %d bytes", errMalformed, maxOrder)
	case proto.Unmarshal(signed.GetBody(), &body) != nil:
		return nil, fmt.Errorf("order: %w", errMalformed)
	case len(body.GetId()) != len(BlobID{}), len(body.GetOwner()) != ed25519.PublicKeySize, len(body.GetLabel()) > maxLabel:
		return nil, fmt.Errorf("order: %w: a field has a wrong length", errMalformed)
	case body.GetSize() == 0 || body.GetSize() > MaxBlob:
		return nil, fmt.Errorf("order: %w: %d bytes, at most %d", ErrTooLarge, body.GetSize(), int64(MaxBlob))
	case !ed25519.Verify(body.GetOwner(), toSign(orderDomain, signed.GetBody()), signed.GetSignature()):
		return nil, fmt.Errorf("order: %w: not signed by its owner", errMalformed)
	case body.GetNetwork() != network: // last, so that no damage passes for it
		return nil, fmt.Errorf("order: %w: %w, %q", errMalformed, errNetwork, body.GetNetwork())
	}
	return &order{
		id: BlobID(body.GetId()), size: int64(body.GetSize()), owner: Owner(body.GetOwner()),
		label: body.GetLabel(), made: time.Unix(body.GetMade(), 0),
		signed: &pb.Order{Body: signed.GetBody(), Signature: signed.GetSignature()},
	}, nil
}

// toSign is what a signature of a domain covers.
func toSign(domain string, body []byte) []byte {
	return append(append([]byte(domain), 0), body...)
}
