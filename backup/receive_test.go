package backup

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grapevine-p2p/grapevine/internal/durable/durabletest"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// A peer that never falls idle must still keep to the least rate.
func TestTakeAsksForLeastRate(t *testing.T) {
	for name, c := range map[string]struct {
		size, piece int
		want        error
	}{
		"a byte now and then": {100_000, 1, errSlow},
		"a slow line":         {8 << 20, chunkSize, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { takeAt(t, c.size, c.piece, c.want) })
		})
	}
}

// takeAt sends a blob in pieces, one every 25 s.
func takeAt(t *testing.T, size, piece int, want error) {
	s, err := testStore(durabletest.NewMem())
	if err != nil {
		t.Fatal(err)
	}
	data, o := testBlob(t, size)
	in, err := s.reserve(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := in.begin(); err != nil {
		t.Fatal(err)
	}
	here, there := net.Pipe()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		l := newLink(there, defaultTimes())
		every := time.NewTicker(25 * time.Second)
		defer every.Stop()
		for bytes := range chunks(data, piece) {
			<-every.C
			if l.send(&pb.BackupMessage{Body: &pb.BackupMessage_Data{Data: &pb.Data{Bytes: bytes}}}, 0) != nil {
				return
			}
		}
	}()
	l := newLink(here, defaultTimes())
	started := time.Now()
	failure, err := new(holder).take(l, in, &chain{have: true}, 0)
	if failure != nil || !errors.Is(err, want) {
		t.Errorf("after %v: %v, %v, want %v", time.Since(started), failure, err, want)
	}
	l.close()
	<-sent
	if err := in.abort(); err != nil {
		t.Error(err)
	}
}
