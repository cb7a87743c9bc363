package rendezvous

import (
	"fmt"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
)

// openRecord verifies a signed peer record: its size, its signature, and that the
// key is that of the peer it names.
func openRecord(sealed []byte) (*peer.PeerRecord, error) {
	if len(sealed) > maxRecord {
		return nil, fmt.Errorf("%w: record of %d bytes, at most %d", errMalformed, len(sealed), maxRecord)
	}
	envelope, opened, err := record.ConsumeEnvelope(sealed, peer.PeerRecordEnvelopeDomain)
	if err != nil {
		return nil, fmt.Errorf("%w: record: %w", errMalformed, err)
	}
	rec, ok := opened.(*peer.PeerRecord)
	switch {
	case !ok:
		return nil, fmt.Errorf("%w: not a peer record", errMalformed)
	case !rec.PeerID.MatchesPublicKey(envelope.PublicKey):
		return nil, fmt.Errorf("%w: record is not signed by its peer", errMalformed)
	case len(rec.Addrs) == 0:
		return nil, fmt.Errorf("%w: record without addresses", errMalformed)
	}
	return rec, nil
}

// sealRecord signs where a peer is, leaving out the last addresses if there are too
// many.
func sealRecord(info peer.AddrInfo, key crypto.PrivKey) ([]byte, error) {
	for {
		if len(info.Addrs) == 0 {
			return nil, fmt.Errorf("sign the peer record: no addresses")
		}
		envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(info), key)
		if err != nil {
			return nil, fmt.Errorf("sign the peer record: %w", err)
		}
		data, err := envelope.Marshal()
		if err != nil {
			return nil, fmt.Errorf("sign the peer record: %w", err)
		}
		if len(data) <= maxRecord {
			return data, nil
		}
		info.Addrs = info.Addrs[:len(info.Addrs)-1]
	}
}
