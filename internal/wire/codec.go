package wire

import (
	"errors"
	"io"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Read reads one overlay message. What it returns is within the limits of this
// package; an error other than one of the stream is ErrTooLarge or ErrMalformed. A
// message that only a newer peer can know has no Kind, and is to be ignored.
func Read(r protodelim.Reader) (Message, error) {
	var e pb.Envelope
	switch err := readFrame(r, MaxSummaryFrame, &e, checkShape); {
	case errors.Is(err, errNovel):
		return Message{}, nil
	case err != nil:
		return Message{}, err
	}
	return decode(&e)
}

// Write writes one overlay message as a single frame, in one call of Write.
func Write(w io.Writer, m Message) error {
	frame, err := Encode(m)
	if err != nil {
		return err
	}
	_, err = w.Write(frame)
	return err
}

// Encode returns one overlay message as a single frame.
func Encode(m Message) ([]byte, error) {
	e, err := encode(m)
	if err != nil {
		return nil, err
	}
	limit := MaxControlFrame
	if m.Kind == KindSummary {
		limit = MaxSummaryFrame
	}
	return encodeFrame(limit, e)
}

// Size is the number of bytes of m on the wire, its length prefix left out.
func Size(m Message) int {
	e, err := encode(m)
	if err != nil {
		return 0
	}
	return proto.Size(e)
}
