package fabric

import (
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// What is sent when the delay is over does not overtake what was sent before.
func TestOrderWhenLatencyEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f Fabric
		here, there := net.Pipe()
		w := newWire(&f, here, "a", "b")
		f.SetLatency(time.Second)
		if _, err := w.Write([]byte("first ")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // it is on its way
		f.SetLatency(0)
		go func() { _, _ = w.Write([]byte("second")) }()
		got := make([]byte, len("first second"))
		if _, err := io.ReadFull(there, got); err != nil || string(got) != "first second" {
			t.Errorf("%q, %v", got, err)
		}
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
}
