package wire

import (
	"bytes"
	"errors"
	"testing"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Fields that a newer version may add are ignored, wherever they stand, within the
// limits of the message.
func TestUnknownFields(t *testing.T) {
	added := append(varint(100, 7), field(101, []byte("new"))...)
	ping := append(field(10, append(varint(1, 0xcafe), added...)), added...)
	if m, err := Read(bytes.NewReader(frame(ping))); err != nil || m.Kind != KindPing || m.Nonce != 0xcafe {
		t.Errorf("ping: %+v, %v", m, err)
	}
	contact := append(field(1, []byte("peer")), added...)
	if m, err := Read(bytes.NewReader(frame(field(3, append(field(1, contact), added...))))); err != nil || m.Contact.Peer != "peer" {
		t.Errorf("join: %+v, %v", m, err)
	}
	var open pb.Open
	if err := ReadFrame(bytes.NewReader(frame(append(field(2, []byte("files")), added...))), 64, &open); err != nil || open.GetService() != "files" {
		t.Errorf("open: %v, %v", &open, err)
	}
	query := append(field(1, guid[:]), field(4, []byte("key"))...)
	large := field(12, append(query, field(101, make([]byte, MaxQuery))...))
	if _, err := Read(bytes.NewReader(frame(large))); !errors.Is(err, ErrMalformed) {
		t.Errorf("query with a large unknown field: %v", err)
	}
}

// What only a newer version can know is no message, and the next one is read.
func TestUnknownBody(t *testing.T) {
	for name, body := range map[string][]byte{
		"empty":   nil,
		"garbage": []byte("ÿÿ new"),
		"largest": make([]byte, MaxControlFrame-8),
	} {
		r := bytes.NewReader(append(frame(field(19, body)), encoded(t, samples()["ping"])...))
		if m, err := Read(r); err != nil || m.Kind != 0 {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
		if m, err := Read(r); err != nil || m.Kind != KindPing {
			t.Errorf("after %s: %+v, %v", name, m, err)
		}
	}
}

// A walk of a kind that is not known has none.
func TestUnknownWalk(t *testing.T) {
	for _, kind := range []uint64{0, uint64(WalkRandom) + 1, 256 + uint64(WalkProbe), 1<<64 - 1} {
		query := append(field(1, guid[:]), field(4, []byte("key"))...)
		m, err := Read(bytes.NewReader(frame(field(12, append(query, field(8, varint(1, kind))...)))))
		if err != nil || m.Walk == nil || m.Walk.Kind != 0 {
			t.Errorf("kind %d: %+v, %v", kind, m.Walk, err)
		}
	}
}
