package wire

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// The field numbers of the Envelope's bodies, as in overlay.proto.
const (
	bodyQuery protowire.Number = 12
	bodyHit   protowire.Number = 13
	lastBody                   = bodyHit
)

// checkShape bounds what an envelope can make the decoder allocate while there is
// nothing but its bytes: one body, no larger and with no more fields than any
// message of its kind has.
func checkShape(envelope []byte) error {
	bodies := 0
	return eachField(envelope, func(num protowire.Number, value []byte) error {
		if num > lastBody {
			return nil // not known here, and left out by the decoder
		}
		if bodies++; bodies > 1 {
			return fmt.Errorf("%w: two bodies", ErrMalformed)
		}
		limit := MaxControlFrame
		switch num {
		case bodyQuery:
			limit = MaxQuery
		case bodyHit:
			limit = MaxHit
		}
		if len(value) > limit {
			return fmt.Errorf("%w: body %d of %d bytes, at most %d", ErrMalformed, num, len(value), limit)
		}
		return eachField(value, func(protowire.Number, []byte) error { return nil })
	})
}

// eachField calls f with each field's number and, if it is one of bytes, its value.
// More than MaxFields are refused.
func eachField(message []byte, f func(protowire.Number, []byte) error) error {
	for count := 0; len(message) > 0; count++ {
		if count == MaxFields {
			return fmt.Errorf("%w: more than %d fields", ErrMalformed, MaxFields)
		}
		num, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(tag))
		}
		n := protowire.ConsumeFieldValue(num, kind, message[tag:])
		if n < 0 {
			return fmt.Errorf("%w: %w", ErrMalformed, protowire.ParseError(n))
		}
		var value []byte
		if kind == protowire.BytesType {
			value, _ = protowire.ConsumeBytes(message[tag:])
		}
		if err := f(num, value); err != nil {
			return err
		}
		message = message[tag+n:]
	}
	return nil
}
