package wire

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// streamError tells whether an error may come of bytes that end too early.
func streamError(err error) bool { return err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) }

// FuzzRead reads anything as overlay messages. What decodes encodes again, within
// the same limits, and decodes to the same.
func FuzzRead(f *testing.F) {
	for _, all := range []map[string]Message{samples(), edges()} {
		for _, m := range all {
			f.Add(encoded(f, m))
		}
	}
	f.Add(append(frame(field(19, []byte("new"))), encoded(f, samples()["ping"])...))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := bytes.NewReader(in)
		for {
			m, err := Read(r)
			if err != nil {
				if !streamError(err) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
					t.Fatalf("error of no known kind: %v", err)
				}
				return
			}
			if m.Kind == 0 {
				continue // of a newer version
			}
			again, err := Read(bytes.NewReader(encoded(t, m)))
			if err != nil || !reflect.DeepEqual(again, m) {
				t.Fatalf("%+v became %+v, %v", m, again, err)
			}
		}
	})
}

func FuzzOpen(f *testing.F)     { fuzzFrame(f, func() proto.Message { return &pb.Open{} }) }
func FuzzOpened(f *testing.F)   { fuzzFrame(f, func() proto.Message { return &pb.Opened{} }) }
func FuzzPresence(f *testing.F) { fuzzFrame(f, func() proto.Message { return &pb.Presence{} }) }

func fuzzFrame(f *testing.F, empty func() proto.Message) {
	for _, m := range frames() {
		var b bytes.Buffer
		if err := WriteFrame(&b, MaxControlFrame, m); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, again := empty(), empty()
		if err := ReadFrame(bytes.NewReader(in), MaxControlFrame, m); err != nil {
			if !streamError(err) && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrTooLarge) {
				t.Fatalf("error of no known kind: %v", err)
			}
			return
		}
		var b bytes.Buffer
		if err := WriteFrame(&b, MaxControlFrame, m); err != nil {
			t.Fatalf("%v does not encode: %v", m, err)
		}
		if err := ReadFrame(&b, MaxControlFrame, again); err != nil || !proto.Equal(m, again) {
			t.Fatalf("%v became %v, %v", m, again, err)
		}
	})
}
