package names

import (
	"testing"
	"time"
)

// A holder whose clock is as slow as can be stops before servers whose leader's is
// as fast as can be.
func TestTermEndsEarlierForItsHolder(t *testing.T) {
	const span = time.Hour
	began := time.Unix(0, 0)
	term := Term{Began: began, Span: span}
	ends := span * 1000 / 1004 // in real time, at the leader
	if left := term.Left(began.Add(ends * 996 / 1000)); left != 0 {
		t.Errorf("%s is left when the name is free", left)
	}
	if left := term.Left(began.Add(span / 2)); left < span/3 {
		t.Errorf("only %s is left half way", left)
	}
	if left := term.Left(began.Add(-time.Hour)); left > 2*span {
		t.Errorf("%s is left", left)
	}
}

// The larger of what two clocks say counts: here the wall clock was set forward, or
// the machine slept while the other stood.
func TestTermCountsTheLargerTime(t *testing.T) {
	began := time.Now() // has a monotonic reading
	term := Term{Began: began, Span: time.Hour}
	if left := term.Left(began.Add(2 * time.Hour).Round(0)); left != 0 {
		t.Errorf("%s is left after two hours by the wall clock", left)
	}
	if left := term.Left(began.Add(2 * time.Hour)); left != 0 {
		t.Errorf("%s is left after two hours", left)
	}
}
