package federation

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/raft"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// errMalformed is returned for what another server should not have sent.
var errMalformed = errors.New("malformed")

// random is 16 random bytes: an incarnation or a federation.
type random string

const randomSize = 16

func newRandom() random {
	b := make([]byte, randomSize)
	_, _ = rand.Read(b) // never fails
	return random(b)
}

func (r random) String() string { return hex.EncodeToString([]byte(r)) }

func (r random) valid() bool { return len(r) == randomSize }

// member is one incarnation of a server, with its consent to be a member.
type member struct {
	peer        peer.ID
	incarnation random
	consent     []byte
	addrs       []ma.Multiaddr
}

// id is the member's raft ID: the peer ID and the incarnation.
func (m member) id() raft.ServerID {
	return raft.ServerID(m.peer.String() + "/" + m.incarnation.String())
}

// is tells whether two are the same incarnation of the same server.
func (m member) is(other member) bool {
	return m.peer == other.peer && m.incarnation == other.incarnation
}

// address is the member as raft keeps it in its configuration, where all members
// find it: the ID, the consent and the multiaddrs, separated by commas.
func (m member) address() raft.ServerAddress {
	parts := []string{string(m.id()), base64.RawURLEncoding.EncodeToString(m.consent)}
	for _, a := range m.addrs {
		parts = append(parts, a.String())
	}
	return raft.ServerAddress(strings.Join(parts, ","))
}

func (m member) info() peer.AddrInfo { return peer.AddrInfo{ID: m.peer, Addrs: m.addrs} }

// parseMember is the reverse of address.
func parseMember(address raft.ServerAddress) (member, error) {
	if len(address) > (maxAddrs+1)*2*maxAddr {
		return member{}, fmt.Errorf("%w: address of %d bytes", errMalformed, len(address))
	}
	parts := strings.Split(string(address), ",")
	if len(parts) < 2 || len(parts) > 2+maxAddrs {
		return member{}, fmt.Errorf("%w: address of %d parts", errMalformed, len(parts))
	}
	m, err := parseID(raft.ServerID(parts[0]))
	if err != nil {
		return member{}, err
	}
	if m.consent, err = base64.RawURLEncoding.DecodeString(parts[1]); err != nil {
		return member{}, fmt.Errorf("%w: consent", errMalformed)
	}
	for _, text := range parts[2:] {
		a, err := ma.NewMultiaddr(text)
		if err != nil {
			return member{}, fmt.Errorf("%w: address %q: %w", errMalformed, text, err)
		}
		m.addrs = append(m.addrs, a)
	}
	return m, nil
}

// parseID is the reverse of id.
func parseID(id raft.ServerID) (member, error) {
	who, which, _ := strings.Cut(string(id), "/")
	p, err := peer.Decode(who)
	incarnation, errHex := hex.DecodeString(which)
	if err != nil || errHex != nil || len(incarnation) != randomSize {
		return member{}, fmt.Errorf("%w: raft ID %q", errMalformed, id)
	}
	return member{peer: p, incarnation: random(incarnation)}, nil
}

// consentText is what a server signs to be a member.
func consentText(network string, federation, incarnation random) []byte {
	text := []byte(wire.ConsentDomain)
	text = append(text, byte(len(network)))
	text = append(text, network...)
	text = append(text, federation...)
	return append(text, incarnation...)
}

// consents verifies a consent to be a member of a federation.
func consents(key crypto.PubKey, network string, federation, incarnation random, consent []byte) bool {
	if !federation.valid() || !incarnation.valid() || len(consent) > maxSignature {
		return false
	}
	ok, err := key.Verify(consentText(network, federation, incarnation), consent)
	return err == nil && ok
}

// consentProto is what the member says of itself.
func (m member) consentProto() *pb.FederationConsent {
	return &pb.FederationConsent{Incarnation: []byte(m.incarnation), Signature: m.consent, Addrs: addrBytes(m.addrs)}
}

// memberOf checks what a server said of itself.
func memberOf(who peer.ID, network string, federation random, m *pb.FederationConsent) (member, error) {
	addrs, err := parseAddrs(m.GetAddrs())
	if err != nil {
		return member{}, err
	}
	key, err := who.ExtractPublicKey()
	if err != nil {
		return member{}, fmt.Errorf("%w: peer ID: %w", errMalformed, err)
	}
	incarnation := random(m.GetIncarnation())
	if !consents(key, network, federation, incarnation, m.GetSignature()) {
		return member{}, fmt.Errorf("%w: consent is not signed by %s", errMalformed, who)
	}
	return member{peer: who, incarnation: incarnation, consent: m.GetSignature(), addrs: addrs}, nil
}

func addrBytes(addrs []ma.Multiaddr) [][]byte {
	var all [][]byte
	for _, a := range addrs {
		if b := a.Bytes(); len(b) <= maxAddr && len(all) < maxAddrs {
			all = append(all, b)
		}
	}
	return all
}

func parseAddrs(all [][]byte) ([]ma.Multiaddr, error) {
	if len(all) > maxAddrs {
		return nil, fmt.Errorf("%w: %d addresses, at most %d", errMalformed, len(all), maxAddrs)
	}
	var addrs []ma.Multiaddr
	for _, b := range all {
		if len(b) == 0 || len(b) > maxAddr {
			return nil, fmt.Errorf("%w: address of %d bytes", errMalformed, len(b))
		}
		a, err := ma.NewMultiaddrBytes(b)
		if err != nil {
			return nil, fmt.Errorf("%w: address: %w", errMalformed, err)
		}
		if strings.Contains(a.String(), ",") || len(a.String()) > 2*maxAddr {
			return nil, fmt.Errorf("%w: address %q", errMalformed, a)
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}
