package backup

import (
	"bytes"
	"fmt"
	"net/netip"
	"sync"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
	"github.com/grapevine-p2p/grapevine/p2p"
)

// candidateOf reads an offer out of a hit.
func candidateOf(hit p2p.Hit) (Candidate, error) {
	var o pb.Offer
	if err := proto.Unmarshal(hit.Item.Data, &o); err != nil {
		return Candidate{}, fmt.Errorf("offer: %w", errMalformed)
	}
	const most = 1 << 62
	if o.GetQuota() == 0 || o.GetQuota() > most || o.GetHeld() > o.GetQuota() || len(o.GetRecord()) > maxOfferRecord {
		return Candidate{}, fmt.Errorf("offer: %w", errMalformed)
	}
	c := Candidate{
		Peer: hit.From.ID, Quota: int64(o.GetQuota()), Held: int64(o.GetHeld()), Active: int(o.GetActive()),
		record: o.GetRecord(),
	}
	c.Host, c.Group = whereabouts(hit.From.Addrs)
	return c, nil
}

// whereabouts is the first public address among addrs and the /16 or /32 that it is
// in. Peers of one private network have neither: there, all may hold.
func whereabouts(addrs []multiaddr.Multiaddr) (host, group string) {
	for _, a := range addrs {
		if !manet.IsPublicAddr(a) {
			continue
		}
		raw, err := manet.ToIP(a)
		if err != nil {
			continue
		}
		ip, ok := netip.AddrFromSlice(raw)
		if !ok {
			continue
		}
		ip = ip.Unmap()
		bits := 16
		if ip.Is6() {
			bits = 32
		}
		if prefix, err := ip.Prefix(bits); err == nil {
			return ip.String(), prefix.String()
		}
	}
	return "", ""
}

// learn notes the addresses of a peer that somebody named in a chain, after proving
// that the peer itself signed them: nobody can be made to dial a third party, nor, from
// afar, into our own network.
func (s *Service) learn(p chainPeer, from peer.ID) error {
	if len(p.record) == 0 {
		return nil
	}
	var rec peer.PeerRecord
	envelope, err := record.ConsumeTypedEnvelope(p.record, &rec)
	if err != nil {
		return fmt.Errorf("record of %s: %w: %w", p.id, errMalformed, err)
	}
	if rec.PeerID != p.id || !p.id.MatchesPublicKey(envelope.PublicKey) {
		return fmt.Errorf("record of %s: %w: signed by another peer", p.id, errMalformed)
	}
	addrs := s.node.Dialable(rec.Addrs[:min(len(rec.Addrs), offerAddrs)], from)
	s.node.Host().Peerstore().AddAddrs(p.id, addrs, peerstore.TempAddrTTL)
	return nil
}

// ownRecord keeps this peer's signed record for its offers.
type ownRecord struct {
	host host.Host

	mu     sync.Mutex
	addrs  []byte // that sealed is for
	sealed []byte
}

// get returns a record of the present addresses.
func (r *ownRecord) get() ([]byte, error) {
	addrs := r.host.Addrs()
	addrs = addrs[:min(len(addrs), offerAddrs)]
	var now []byte
	for _, a := range addrs {
		now = append(append(now, a.Bytes()...), 0)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sealed != nil && bytes.Equal(now, r.addrs) {
		return r.sealed, nil
	}
	key := r.host.Peerstore().PrivKey(r.host.ID())
	for ; ; addrs = addrs[:len(addrs)-1] {
		envelope, err := record.Seal(peer.PeerRecordFromAddrInfo(peer.AddrInfo{ID: r.host.ID(), Addrs: addrs}), key)
		if err != nil {
			return nil, fmt.Errorf("sign own addresses: %w", err)
		}
		sealed, err := envelope.Marshal()
		if err != nil {
			return nil, fmt.Errorf("sign own addresses: %w", err)
		}
		if len(sealed) <= maxOfferRecord {
			r.addrs, r.sealed = now, sealed
			return sealed, nil
		}
		if len(addrs) == 0 {
			return nil, fmt.Errorf("sign own addresses: record of %d bytes", len(sealed))
		}
	}
}
