package backup

import (
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// signReceipt states, as the peer of key, that it holds the order's blob durably.
func signReceipt(key crypto.PrivKey, holder peer.ID, network string, o *order, now time.Time) (*pb.Receipt, error) {
	body, err := proto.MarshalOptions{Deterministic: true}.Marshal(&pb.ReceiptBody{
		Network: network, Id: o.id[:], Size: uint64(o.size), Holder: []byte(holder), Stored: now.Unix(),
	})
	if err != nil {
		return nil, fmt.Errorf("encode receipt: %w", err)
	}
	signature, err := key.Sign(toSign(receiptDomain, body))
	if err != nil {
		return nil, fmt.Errorf("sign receipt: %w", err)
	}
	return &pb.Receipt{Body: body, Signature: signature}, nil
}

// checkReceipt proves that holder signed a receipt for the order's blob: peers before
// it in the chain cannot make one up.
func checkReceipt(holder peer.ID, network string, o *order, r *pb.Receipt) error {
	var body pb.ReceiptBody
	if err := proto.Unmarshal(r.GetBody(), &body); err != nil {
		return fmt.Errorf("receipt: %w", errMalformed)
	}
	if body.GetNetwork() != network || string(body.GetId()) != string(o.id[:]) ||
		body.GetSize() != uint64(o.size) || string(body.GetHolder()) != string(holder) {
		return fmt.Errorf("receipt: %w: for something else", errMalformed)
	}
	key, err := holder.ExtractPublicKey()
	if err != nil {
		return fmt.Errorf("receipt: %w: %w", errMalformed, err)
	}
	if ok, err := key.Verify(toSign(receiptDomain, r.GetBody()), r.GetSignature()); err != nil || !ok {
		return fmt.Errorf("receipt: %w: not signed by its holder", errMalformed)
	}
	return nil
}
