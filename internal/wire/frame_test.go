package wire

import (
	"bufio"
	"bytes"
	"testing"
)

func TestWhole(t *testing.T) {
	frame := encoded(t, samples()["query"])
	for n := range len(frame) + 2 {
		r := bufio.NewReader(bytes.NewReader(append(frame[:len(frame):len(frame)], 9)[:n]))
		_, _ = r.Peek(n)
		if got, want := Whole(r), n >= len(frame); got != want {
			t.Errorf("%d of %d bytes: %t", n, len(frame), got)
		}
	}
	endless := bufio.NewReader(bytes.NewReader(bytes.Repeat([]byte{0xff}, 20)))
	_, _ = endless.Peek(20)
	if Whole(endless) {
		t.Error("a length without an end counts as whole")
	}
}
