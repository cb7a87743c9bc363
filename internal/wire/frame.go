package wire

import (
	"bufio"
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
	return readFrame(r, limit, m, nil)
}

// readFrame reads a frame whose bytes are passed to check, if there is one, before
// they are decoded.
func readFrame(r protodelim.Reader, limit int, m proto.Message, check func([]byte) error) error {
	size, err := readLength(r)
	if err != nil {
		return err
	}
	if size > uint64(limit) {
		return fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, limit)
	}
	frame, discard, err := readBytes(r, int(size))
	if err != nil {
		return err
	}
	defer discard()
	if check != nil {
		if err := check(frame); err != nil {
			return err
		}
	}
	// Decoding copies: nothing of m lies in frame.
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(frame, m); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// readLength reads a frame's length, which is in its shortest form.
func readLength(r io.ByteReader) (uint64, error) {
	var size uint64
	for shift := 0; shift < 63; shift += 7 {
		b, err := r.ReadByte()
		if errors.Is(err, io.EOF) && shift > 0 {
			return 0, io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
		size |= uint64(b&0x7f) << shift
		if b >= 0x80 {
			continue
		}
		if b == 0 && shift > 0 {
			return 0, fmt.Errorf("%w: length not in its shortest form", ErrMalformed)
		}
		return size, nil
	}
	return 0, fmt.Errorf("%w: length of more than 63 bits", ErrMalformed)
}

// Whole tells whether all of the next frame is in r's buffer, so that to read it is to
// wait for nobody.
func Whole(r *bufio.Reader) bool {
	b, _ := r.Peek(r.Buffered()) // never fails
	size, n := protowire.ConsumeVarint(b)
	return n > 0 && size <= uint64(len(b)-n)
}

// readBytes returns the next size bytes, valid until discard. Those of a
// bufio.Reader are not copied if they fit its buffer.
func readBytes(r protodelim.Reader, size int) (b []byte, discard func(), err error) {
	if buffered, ok := r.(*bufio.Reader); ok {
		if b, err := buffered.Peek(size); err == nil {
			return b, func() { _, _ = buffered.Discard(size) }, nil // it has them all
		}
	}
	b = make([]byte, size)
	if _, err = io.ReadFull(r, b); errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b, func() {}, err
}

// WriteFrame writes m as one frame, in one call of Write. A message over limit is
// refused before anything is written.
func WriteFrame(w io.Writer, limit int, m proto.Message) error {
	frame, err := encodeFrame(limit, m)
	if err != nil {
		return err
	}
	_, err = w.Write(frame)
	return err
}

func encodeFrame(limit int, m proto.Message) ([]byte, error) {
	size := proto.Size(m)
	if size > limit {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, size, limit)
	}
	frame := protowire.AppendVarint(make([]byte, 0, size+binary.MaxVarintLen32), uint64(size))
	frame, err := proto.MarshalOptions{UseCachedSize: true}.MarshalAppend(frame, m)
	if err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	return frame, nil
}
