package wire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protopath"
	"google.golang.org/protobuf/reflect/protorange"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

var update = flag.Bool("update", false, "write the golden files anew: a new version of the protocol")

// golden compares frame with the file's hex, 32 bytes a line. The bytes of a released
// message never change.
func golden(t *testing.T, name string, frame []byte) {
	t.Helper()
	var text strings.Builder
	for line := range slices.Chunk(frame, 32) {
		text.WriteString(hex.EncodeToString(line) + "\n")
	}
	file := filepath.Join("testdata", "golden", name+".hex")
	if *update {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text.String() != strings.ReplaceAll(string(want), "\r\n", "\n") {
		t.Errorf("%s is now\n%swant\n%s", name, text.String(), want)
	}
}

func encoded(t testing.TB, m Message) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, m); err != nil {
		t.Fatalf("write %+v: %v", m, err)
	}
	return b.Bytes()
}

// A sample of each kind has its golden bytes, and they decode to it.
func TestGoldenOverlay(t *testing.T) {
	kinds := map[Kind]bool{}
	for name, m := range samples() {
		kinds[m.Kind] = true
		frame := encoded(t, m)
		golden(t, name, frame)
		checkRead(t, name, frame, m)
	}
	for k := KindHello; k <= KindWithdraw; k++ {
		if !kinds[k] {
			t.Errorf("no sample of kind %d", k)
		}
	}
}

func TestRoundTripEdges(t *testing.T) {
	for name, m := range edges() {
		frame := encoded(t, m)
		checkRead(t, name, frame, m)
	}
}

// checkRead reads frame with and without a buffer, and nothing beyond it.
func checkRead(t *testing.T, name string, frame []byte, want Message) {
	t.Helper()
	if n := len(frame) - Size(want); n < 1 || n > 4 {
		t.Errorf("%s: size %d of a frame of %d bytes", name, Size(want), len(frame))
	}
	two := append(bytes.Clone(frame), frame...)
	plain := bytes.NewReader(two)
	for _, r := range []interface {
		io.Reader
		io.ByteReader
	}{
		plain, bufio.NewReaderSize(bytes.NewReader(two), 16), bufio.NewReaderSize(bytes.NewReader(two), 1<<17),
	} {
		for range 2 {
			if got, err := Read(r); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s: read %+v, %v; want %+v", name, got, err, want)
			}
		}
		if _, err := Read(r); err != io.EOF {
			t.Errorf("%s: at the end %v", name, err)
		}
	}
}

func TestGoldenFrames(t *testing.T) {
	for name, m := range frames() {
		var b bytes.Buffer
		if err := WriteFrame(&b, MaxControlFrame, m); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
		got := m.ProtoReflect().New().Interface()
		if err := ReadFrame(&b, MaxControlFrame, got); err != nil || !proto.Equal(got, m) {
			t.Errorf("%s: read %v, %v", name, got, err)
		}
	}
}

// Each field of these protocols is set in a frame, and so has golden bytes.
func TestGoldenFramesComplete(t *testing.T) {
	set := map[protoreflect.FullName]bool{}
	for name, m := range frames() {
		err := protorange.Range(m.ProtoReflect(), func(p protopath.Values) error {
			if field := p.Index(-1).Step; field.Kind() == protopath.FieldAccessStep {
				set[field.FieldDescriptor().FullName()] = true
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	for _, file := range []protoreflect.FileDescriptor{
		pb.File_federation_proto, pb.File_presence_proto, pb.File_service_proto,
	} {
		for i := range file.Messages().Len() {
			fields := file.Messages().Get(i).Fields()
			for j := range fields.Len() {
				if name := fields.Get(j).FullName(); !set[name] {
					t.Errorf("no frame sets %s", name)
				}
			}
		}
	}
}

// Each golden file belongs to a sample.
func TestGoldenFilesUsed(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*"))
	if err != nil || len(files) != len(samples())+len(frames()) {
		t.Errorf("%d golden files, %v; want %d", len(files), err, len(samples())+len(frames()))
	}
}
