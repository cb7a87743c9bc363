package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// ErrTooLarge is returned for a frame over its protocol's limit.
var ErrTooLarge = errors.New("frame too large")

// ErrMalformed is returned for a frame that does not decode, or whose fields
// break the limits.
var ErrMalformed = errors.New("malformed frame")

// ReadFrame reads one frame of at most limit bytes into m. It returns io.EOF
// only at the end of the stream, before a frame's first byte.
func ReadFrame(r protodelim.Reader, limit int, m proto.Message) error {
	err := protodelim.UnmarshalOptions{
		MaxSize:          int64(limit),
		UnmarshalOptions: proto.UnmarshalOptions{DiscardUnknown: true},
	}.UnmarshalFrom(r, m)
	var tooLarge *protodelim.SizeTooLargeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &tooLarge):
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, tooLarge.Size, tooLarge.MaxSize)
	case errors.Is(err, proto.Error):
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	default:
		return err
	}
}

// WriteFrame writes m as one frame, in one call of Write. A message over limit is
// refused before anything is written.
func WriteFrame(w io.Writer, limit int, m proto.Message) error {
	size := proto.Size(m)
	if size > limit {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, limit)
	}
	frame := protowire.AppendVarint(make([]byte, 0, size+binary.MaxVarintLen32), uint64(size))
	frame, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(frame, m)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	_, err = w.Write(frame)
	return err
}
