package wire

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

// errNovel is what checkShape returns for an envelope that holds nothing but a body
// that is not known here: a newer peer says something that older ones may ignore.
var errNovel = errors.New("body of a newer version")

// The field numbers of the Envelope's bodies, as in overlay.proto, and of what is
// bounded apart in them.
const (
	bodyQuery   protowire.Number = 12
	bodyHit     protowire.Number = 13
	bodyReport  protowire.Number = 15
	bodySummary protowire.Number = 16
	lastBody    protowire.Number = 18

	queryWalk   protowire.Number = 8
	walkTally   protowire.Number = 8
	hitTally    protowire.Number = 5
	reportTally protowire.Number = 4
)

// checkShape bounds what an envelope can make the decoder allocate while there is
// nothing but its bytes: one body, no larger and with no more fields than any
// message of its kind has.
func checkShape(envelope []byte) error {
	fields, bodies, novel, limit := 0, 0, false, MaxControlFrame
	err := eachField(envelope, func(num protowire.Number, value []byte) error {
		fields++
		if num > lastBody {
			novel = value != nil
			return nil // not known here, and left out by the decoder
		}
		if bodies++; bodies > 1 {
			return fmt.Errorf("%w: two bodies", ErrMalformed)
		}
		if num == bodySummary {
			limit = MaxSummaryFrame
		}
		return checkBody(num, value)
	})
	switch {
	case err != nil:
		return err
	case len(envelope) > limit:
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(envelope), limit)
	case novel && fields == 1:
		return errNovel
	}
	return nil
}

func checkBody(num protowire.Number, body []byte) error {
	switch num {
	case bodyQuery:
		return checkParts(body, MaxQuery, queryWalk, MaxWalk+MaxTally, func(walk []byte) error {
			return checkParts(walk, MaxWalk, walkTally, MaxTally, checkFields)
		})
	case bodyHit:
		return checkParts(body, MaxHit, hitTally, MaxTally, checkFields)
	case bodyReport:
		return checkParts(body, MaxReport, reportTally, MaxTally, checkFields)
	default:
		return checkFields(body)
	}
}

// checkParts checks that a message has the part of that number at most once, within
// its own limit, and is within its limit without it.
func checkParts(message []byte, limit int, part protowire.Number, partLimit int, check func([]byte) error) error {
	parts, rest := 0, len(message)
	err := eachField(message, func(num protowire.Number, value []byte) error {
		if num != part {
			return nil
		}
		rest -= len(value)
		if parts++; parts > 1 || len(value) > partLimit {
			return fmt.Errorf("%w: field %d of %d bytes, at most one of %d", ErrMalformed, num, len(value), partLimit)
		}
		return check(value)
	})
	if err == nil && rest > limit {
		err = fmt.Errorf("%w: %d bytes, at most %d", ErrMalformed, rest, limit)
	}
	return err
}

func checkFields(message []byte) error {
	return eachField(message, func(protowire.Number, []byte) error { return nil })
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
