package chat

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// golden is each frame with its bytes on the wire.
func golden() map[string]struct {
	frame frame
	hex   string
} {
	return map[string]struct {
		frame frame
		hex   string
	}{
		"hello":   {hello{"alice", 300}, "0c0a0a0a05616c69636510ac02"},
		"ready":   {ready{}, "021200"},
		"text":    {text{7, 1_700_000_000_000, "hi ☺"}, "131a11080710" + "80d095ffbc31" + "1a06686920e298ba"},
		"ack":     {ack{7}, "0422020807"},
		"ping":    {ping{}, "022a00"},
		"refusal": {refusal{pb.ChatRefusalCode_CHAT_REFUSAL_DECLINED, "no"}, "083206080112026e6f"},
		"bye":     {bye{}, "023a00"},
	}
}

func TestGolden(t *testing.T) {
	for name, g := range golden() {
		if got := hex.EncodeToString(encoded(t, g.frame)); got != g.hex {
			t.Errorf("%s is %s, want %s", name, got, g.hex)
		}
		data, err := hex.DecodeString(g.hex)
		if err != nil {
			t.Fatal(err)
		}
		f, err := readFrame(bytes.NewReader(data))
		if err != nil || !reflect.DeepEqual(f, g.frame) {
			t.Errorf("%s is read as %+v: %v", name, f, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	for what, f := range map[string]frame{
		"long name":   hello{strings.Repeat("x", MaxName+1), 0},
		"high hello":  hello{"", maxSeq + 1},
		"long text":   text{1, 0, strings.Repeat("x", MaxText+1)},
		"no text":     text{1, 0, ""},
		"number 0":    text{0, 0, "x"},
		"high number": text{maxSeq + 1, 0, "x"},
		"high ack":    ack{maxSeq + 1},
		"long reason": refusal{1, strings.Repeat("x", maxReason+1)},
	} {
		if f, err := readFrame(bytes.NewReader(encoded(t, f))); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %+v, %v", what, f, err)
		}
	}
	if _, err := readFrame(bytes.NewReader([]byte{0xff, 0xff, 0x01, 0})); !errors.Is(err, wire.ErrTooLarge) {
		t.Errorf("oversized: %v", err)
	}
}

// What decodes encodes to something that decodes to the same.
func FuzzReadFrame(f *testing.F) {
	for _, g := range golden() {
		data, err := hex.DecodeString(g.hex)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := bufio.NewReader(bytes.NewReader(data))
		for {
			got, err := readFrame(r)
			if err != nil {
				return
			}
			var b bytes.Buffer
			if err := writeFrame(&b, got); err != nil {
				t.Fatalf("%+v: %v", got, err)
			}
			again, err := readFrame(&b)
			if err != nil || !reflect.DeepEqual(got, again) {
				t.Fatalf("%+v became %+v: %v", got, again, err)
			}
			if b.Len() != 0 {
				_, _ = io.Copy(io.Discard, &b)
				t.Fatal("bytes left over")
			}
		}
	})
}
