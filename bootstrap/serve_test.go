package bootstrap

import (
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
)

// meddling is a stream whose end concerns the server.
type meddling struct {
	fakeStream
	reset func()
}

func (m *meddling) Reset() error {
	m.reset()
	return nil
}

// The streams of one who is no member any more end outside the server's lock.
func TestCutLetsOthersIn(t *testing.T) {
	s := quietServer(t)
	ended := make(chan peer.ID, 3)
	for _, id := range []peer.ID{"former", "other", "former"} {
		s.streams[&meddling{fakeStream{conn: fakeConn{id: id}}, func() {
			s.isFellow(id) // takes the lock
			ended <- id
		}}] = true
	}
	go func() {
		defer close(ended)
		s.cut("former")
	}()
	n := 0
	for done := false; !done; {
		select {
		case id, more := <-ended:
			if done = !more; more && id != "former" {
				t.Errorf("the stream of %s ended", id)
			} else if more {
				n++
			}
		case <-bounded(t).Done():
			t.Fatal("a stream ends under the lock")
		}
	}
	if n != 2 {
		t.Errorf("%d streams ended", n)
	}
}
