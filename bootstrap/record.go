package bootstrap

import (
	"errors"
	"fmt"
	"math"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/crypto"
	cryptopb "github.com/libp2p/go-libp2p/core/crypto/pb"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Record is a registration: what a peer signed about itself, and how a server sees
// it now.
type Record struct {
	// Name is the name as its owner writes it; empty for a peer that is listed
	// without one. It contains nothing that a terminal would act on.
	Name string
	// Peer is the owner, with the addresses that it gave.
	Peer peer.AddrInfo
	// Seq orders the records of one peer and name.
	Seq uint64
	// Online tells that the peer is connected to a server.
	Online bool
	// Hidden tells that the peer asked not to be listed, watched or handed out; it
	// is found by its name only.
	Hidden bool
	// Unconfirmed tells that no server has heard from the peer since it was
	// restarted, or since it began to doubt its own connection.
	Unconfirmed bool
	// Detached tells that the peer does not stay connected: it is believed to be
	// there while its lease runs.
	Detached bool
	// Since is when the registration was made, and Expires when its lease ends
	// unless it is renewed, by the local clock.
	Since, Expires time.Time
}

// ChangeKind says what happened to a registration.
type ChangeKind uint8

// The kinds of change, with the numbers of directory.proto. Append-only.
const (
	Joined  ChangeKind = iota + 1 // the registration is new
	Updated                       // its owner has signed another record, or is back
	Away                          // its owner is no longer connected; the lease runs on
	Left                          // its owner removed it
	Expired                       // its lease ended
)

func (k ChangeKind) String() string {
	switch k {
	case Joined:
		return "joined"
	case Updated:
		return "updated"
	case Away:
		return "away"
	case Left:
		return "left"
	case Expired:
		return "expired"
	}
	return fmt.Sprintf("change %d", uint8(k))
}

// Change is one change to the directory.
type Change struct {
	// Revision grows with each change that one server, or one client, tells of.
	Revision uint64
	Kind     ChangeKind
	// Record is the registration after the change; of one that is gone, as it was, but
	// not online.
	Record Record
}

// claim is the signed part of a record: what a peer says about itself.
type claim struct {
	*particulars // nil of a slim claim
	network      unique.Handle[string]
	name         string
	key          nameKey
	peer         peer.ID
	seq          uint64
	sealed       string // the envelope that says so; see envelope
	gist         bool   // sealed is without what the claim says itself
	found        bool   // it has addresses
	removed      bool
	hidden       bool
	expires      second // when the signature does; by another's clock up to clockSkew later
}

// particulars are what the claims that a server keeps have in their envelopes only.
type particulars struct {
	addrs []ma.Multiaddr
}

// payloadType stands in the envelope of each registration.
const payloadType = "/grapevine/registration"

// signedRecord carries a DirectoryRecord in a libp2p envelope.
type signedRecord struct{ pb *pb.DirectoryRecord }

var _ record.Record = (*signedRecord)(nil)

func (r *signedRecord) Domain() string { return wire.RegistrationDomain }

func (r *signedRecord) Codec() []byte { return []byte(payloadType) }

func (r *signedRecord) MarshalRecord() ([]byte, error) {
	return proto.MarshalOptions{Deterministic: true}.Marshal(r.pb)
}

func (r *signedRecord) UnmarshalRecord(data []byte) error {
	r.pb = &pb.DirectoryRecord{}
	return proto.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(data, r.pb)
}

// seal signs c with the peer's key and returns the envelope.
func (c *claim) seal(key crypto.PrivKey) ([]byte, error) {
	rec := &pb.DirectoryRecord{
		Network: c.network.Value(), Name: c.name, Peer: []byte(c.peer), Seq: c.seq,
		Removed: c.removed, ExpiresUnixMs: c.expires.time().UnixMilli(), Hidden: c.hidden,
	}
	for _, a := range c.addrs {
		if b := a.Bytes(); len(b) <= maxAddr && len(rec.Addrs) < maxAddrs {
			rec.Addrs = append(rec.Addrs, b)
		}
	}
	for {
		envelope, err := record.Seal(&signedRecord{rec}, key)
		if err != nil {
			return nil, fmt.Errorf("sign the registration: %w", err)
		}
		data, err := envelope.Marshal()
		if err != nil {
			return nil, fmt.Errorf("sign the registration: %w", err)
		}
		if len(data) <= maxRecord || len(rec.Addrs) == 0 {
			return data, nil
		}
		rec.Addrs = rec.Addrs[:len(rec.Addrs)-1] // the last is the least useful
	}
}

// openClaim verifies an envelope: its size, its signature, that the key is that of
// the peer it names, its network, and at the time now its expiry.
func openClaim(sealed []byte, network string, now time.Time) (*claim, error) {
	c, err := openClaimOf(network, sealed)
	if err != nil {
		return nil, err
	}
	return c, c.valid(now)
}

// openClaimOf verifies an envelope whenever it counts.
func openClaimOf(network string, sealed []byte) (*claim, error) {
	c, err := unsealClaim(sealed)
	if err != nil {
		return nil, err
	}
	if c.network.Value() != network {
		return nil, fmt.Errorf("%w: record of %q, not of %q", ErrOtherNetwork, c.network.Value(), network)
	}
	return c, nil
}

// valid says why a claim does not count at the time now.
func (c *claim) valid(now time.Time) error {
	if c.left(now) > maxRecordValidity+2*clockSkew {
		return fmt.Errorf("%w: record is valid for longer than %s", ErrMalformed, maxRecordValidity)
	}
	return c.expired(now)
}

// expired says that a claim does not count any more, if that is so.
func (c *claim) expired(now time.Time) error {
	if c.left(now) > 0 {
		return nil
	}
	return fmt.Errorf("%w: its signature expired at %s", ErrStale, c.expires.time().Format(time.RFC3339))
}

// left is how long a claim still counts, by a clock that may be wrong.
func (c *claim) left(now time.Time) time.Duration {
	return c.expires.time().Add(clockSkew).Sub(now)
}

// unsealClaim verifies who signed a record and what it says, whenever and wherever
// it counts.
func unsealClaim(sealed []byte) (*claim, error) {
	if len(sealed) > maxRecord {
		return nil, fmt.Errorf("%w: record of %d bytes, at most %d", ErrMalformed, len(sealed), maxRecord)
	}
	var rec signedRecord
	envelope, err := record.ConsumeTypedEnvelope(sealed, &rec)
	switch {
	case errors.Is(err, record.ErrInvalidSignature):
		return nil, ErrForged
	case err != nil:
		return nil, fmt.Errorf("%w: record: %w", ErrMalformed, err)
	case string(envelope.PayloadType) != payloadType:
		return nil, fmt.Errorf("%w: record of type %q", ErrMalformed, shorten(string(envelope.PayloadType)))
	case envelope.PublicKey.Type() != cryptopb.KeyType_Ed25519:
		return nil, fmt.Errorf("%w: record signed by a key other than Ed25519", ErrMalformed)
	}
	c, err := decodeClaim(rec.pb)
	if err != nil {
		return nil, err
	}
	if !c.peer.MatchesPublicKey(envelope.PublicKey) {
		return nil, ErrForged
	}
	c.sealed, c.found = string(sealed), len(c.addrs) > 0
	return c, nil
}

// decodeClaim checks the fields of a record.
func decodeClaim(r *pb.DirectoryRecord) (*claim, error) {
	if len(r.Network) == 0 || len(r.Network) > wire.MaxNetworkName {
		return nil, fmt.Errorf("%w: network name of %d bytes", ErrMalformed, len(r.Network))
	}
	id, err := peer.IDFromBytes(r.Peer)
	if err != nil || len(r.Peer) > wire.MaxPeerID {
		return nil, fmt.Errorf("%w: peer ID", ErrMalformed)
	}
	key, err := keyOf(r.Name)
	if err != nil {
		return nil, err
	}
	if r.Seq == 0 || r.Seq > math.MaxInt64 {
		return nil, fmt.Errorf("%w: sequence number %d", ErrMalformed, r.Seq)
	}
	if len(r.Addrs) > maxAddrs {
		return nil, fmt.Errorf("%w: %d addresses, at most %d", ErrMalformed, len(r.Addrs), maxAddrs)
	}
	c := &claim{
		particulars: &particulars{},
		network:     unique.Make(r.Network), name: r.Name, key: key, peer: id, seq: r.Seq,
		removed: r.Removed, hidden: r.Hidden, expires: secondOf(time.UnixMilli(r.ExpiresUnixMs)),
	}
	for _, b := range r.Addrs {
		if len(b) == 0 || len(b) > maxAddr {
			return nil, fmt.Errorf("%w: address of %d bytes", ErrMalformed, len(b))
		}
		a, err := ma.NewMultiaddrBytes(b)
		if err != nil {
			return nil, fmt.Errorf("%w: address: %w", ErrMalformed, err)
		}
		if _, err := a.ValueForProtocol(ma.P_P2P); err == nil && !isRelayed(a) {
			return nil, fmt.Errorf("%w: address with a peer ID", ErrMalformed)
		}
		c.addrs = append(c.addrs, a)
	}
	return c, nil
}

func isRelayed(a ma.Multiaddr) bool {
	_, err := a.ValueForProtocol(ma.P_CIRCUIT)
	return err == nil
}
