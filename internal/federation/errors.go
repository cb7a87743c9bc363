package federation

import (
	"errors"
	"fmt"
)

// What a request can be refused with, besides the errors of package names.
var (
	// ErrNoMajority: too few servers answer. A [NoMajorityError] says how many.
	ErrNoMajority = errors.New("no majority of the servers answers")
	// ErrNotMember: this server is not, not yet or no longer a member. The error
	// says why.
	ErrNotMember = errors.New("server is not a member of the federation")
	// ErrUncertain, together with another: the request was under way, and may yet
	// take effect. It can be made again: the same request twice does what it does
	// once.
	ErrUncertain = errors.New("the request may yet take effect")
	// ErrBusy: too many requests are under way.
	ErrBusy = errors.New("federation is busy")
	// ErrClosed: the federation is closed.
	ErrClosed = errors.New("federation is closed")
)

// NoMajorityError tells how many of the voting servers answer, this one included. It
// matches [ErrNoMajority].
type NoMajorityError struct {
	Answering, Members int
	// Uncertain: it matches [ErrUncertain] too.
	Uncertain bool
}

func (e *NoMajorityError) Error() string {
	text := fmt.Sprintf("%v: %d of %d", ErrNoMajority, e.Answering, e.Members)
	if e.Uncertain {
		text += "; " + ErrUncertain.Error()
	}
	return text
}

// Is reports whether target is [ErrNoMajority], or [ErrUncertain] if it is that.
func (e *NoMajorityError) Is(target error) bool {
	return target == ErrNoMajority || target == ErrUncertain && e.Uncertain
}
