package bootstrap

import (
	"math"
	"strings"

	"github.com/libp2p/go-libp2p/core/record"
	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// slimmed is a claim to keep among very many, in half the room: decoded, addresses take
// several times what they do in the envelope, and of the envelope half is what the
// claim says itself.
func (c *claim) slimmed() *claim {
	if c.particulars == nil {
		return c
	}
	slim := *c
	slim.particulars = nil
	if gist, ok := c.abridged(); ok {
		slim.sealed, slim.gist = gist, true
	}
	return &slim
}

// abridged is the envelope with each of the words cut out of it, and the number of
// bytes before the cut in front of them; false if it is not written in that order.
func (c *claim) abridged() (gist string, ok bool) {
	short := make([]byte, 0, len(c.sealed))
	rest := c.sealed
	for _, word := range c.words() {
		before, after, found := strings.Cut(rest, word)
		if !found || len(before) > math.MaxUint8 {
			return "", false
		}
		short = append(append(short, byte(len(before))), before...)
		rest = after
	}
	return string(append(short, rest...)), true
}

// envelope is the whole one.
func (c *claim) envelope() []byte {
	if !c.gist {
		return []byte(c.sealed)
	}
	words := c.words()
	whole := make([]byte, 0, len(c.sealed)+len(words[0])+len(words[1])+len(words[2]))
	rest := c.sealed
	for _, word := range words {
		cut := 1 + int(rest[0])
		whole = append(append(whole, rest[1:cut]...), word...)
		rest = rest[cut:]
	}
	return append(whole, rest...)
}

// words are the fields of the envelope that the claim tells itself, in order: the key,
// which is the peer ID but for the two bytes that call it one, the type, and how the
// record begins.
func (c *claim) words() [3]string {
	begin, err := proto.MarshalOptions{Deterministic: true}.Marshal(&pb.DirectoryRecord{
		Network: c.network.Value(), Name: c.name, Peer: []byte(c.peer), Seq: c.seq,
	})
	if err != nil { // none of it is what cannot be encoded: it was decoded
		begin = nil
	}
	return [...]string{envelopeField(1, string(c.peer[2:])), envelopeField(2, payloadType), string(begin)}
}

// envelopeField is a field of libp2p's envelope: 1 is the key, 2 the payload's type.
func envelopeField(n protowire.Number, value string) string {
	return string(protowire.AppendString(protowire.AppendTag(nil, n, protowire.BytesType), value))
}

// same reports whether another claim says the same in the same envelope. Two gists may
// be alike that had other words cut out.
func (c *claim) same(other *claim) bool {
	return c.seq == other.seq && c.gist == other.gist && c.sealed == other.sealed &&
		c.network == other.network && c.name == other.name && c.peer == other.peer
}

// addresses returns those of any claim.
func (c *claim) addresses() []ma.Multiaddr {
	if c.particulars != nil {
		return c.addrs
	}
	envelope, err := record.UnmarshalEnvelope(c.envelope())
	if err != nil {
		return nil // it was verified before
	}
	var rec signedRecord
	if err := rec.UnmarshalRecord(envelope.RawPayload); err != nil {
		return nil
	}
	whole, err := decodeClaim(rec.pb)
	if err != nil {
		return nil
	}
	return whole.addrs
}
