package names

import (
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Kind says what a command came to.
type Kind uint8

// The kinds, with the numbers of federation.proto. Append-only.
const (
	Granted       Kind = iota + 1 // the owner holds the name
	Taken                         // another holds it, or one that looks alike
	Stale                         // a newer claim or removal was there before
	Full                          // a limit is reached
	NotOwner                      // another holds the name that was to be removed
	NotRegistered                 // nobody holds it
	Removed                       // nobody holds it any more
	Renewed                       // the batch is renewed, but for what was lost
	Ticked                        // time has passed
	Malformed                     // the command broke the limits, and changed nothing
)

// Outcome is what a command came to. Which fields count depends on its kind.
type Outcome struct {
	Kind  Kind
	Fresh bool    // Granted: nobody held it before
	Owner peer.ID // Taken, NotOwner: who holds it
	Name  string  // Taken: the name that is held,
	Left  time.Duration
	Alike bool   // which is another that looks alike
	Seq   uint64 // Stale: the number to exceed
	Limit int    // Full: which,
	// PerOwner: the limit is that of one owner.
	PerOwner bool
	Lost     []int // Renewed: the places in the batch of those that were not
}

// What a command can be refused with. A [TakenError], [StaleError] and [FullError]
// say more.
var (
	ErrTaken         = errors.New("name is taken")
	ErrStale         = errors.New("a newer claim or removal was made")
	ErrFull          = errors.New("no room for another name")
	ErrNotOwner      = errors.New("name is held by another peer")
	ErrNotRegistered = errors.New("name is not registered")
)

// TakenError tells who holds a name. It matches [ErrTaken].
type TakenError struct {
	// Name is the name that is held: the one that was claimed or, if Alike, another
	// that looks like it.
	Name  string
	Owner peer.ID
	// Left is how long it is held if it is not renewed.
	Left  time.Duration
	Alike bool
}

func (e *TakenError) Error() string {
	if e.Alike {
		return fmt.Sprintf("name looks like %q, which %s holds", e.Name, e.Owner)
	}
	return fmt.Sprintf("name %q is taken by %s for another %s", e.Name, e.Owner, e.Left.Round(time.Second))
}

// Is reports whether target is [ErrTaken].
func (e *TakenError) Is(target error) bool { return target == ErrTaken }

// StaleError says which number a claim or removal has to exceed. It matches
// [ErrStale].
type StaleError struct{ Seq uint64 }

func (e *StaleError) Error() string { return fmt.Sprintf("%v, numbered %d", ErrStale, e.Seq) }

// Is reports whether target is [ErrStale].
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// FullError says which limit is reached. It matches [ErrFull].
type FullError struct {
	Limit    int
	PerOwner bool
}

func (e *FullError) Error() string {
	if e.PerOwner {
		return fmt.Sprintf("%v: a peer has at most %d", ErrFull, e.Limit)
	}
	return fmt.Sprintf("%v: there are %d", ErrFull, e.Limit)
}

// Is reports whether target is [ErrFull].
func (e *FullError) Is(target error) bool { return target == ErrFull }

// Err returns the outcome as an error, nil if the command did what it was to do.
func (o Outcome) Err() error {
	switch o.Kind {
	case Granted, Removed, Renewed, Ticked:
		return nil
	case Taken:
		return &TakenError{Name: o.Name, Owner: o.Owner, Left: o.Left, Alike: o.Alike}
	case Stale:
		return &StaleError{o.Seq}
	case Full:
		return &FullError{o.Limit, o.PerOwner}
	case NotOwner:
		return fmt.Errorf("%w: %s", ErrNotOwner, o.Owner)
	case NotRegistered:
		return ErrNotRegistered
	}
	return ErrMalformed
}

// Proto returns the outcome as it is sent.
func (o Outcome) Proto() *pb.NamesOutcome {
	m := &pb.NamesOutcome{
		Kind: pb.NamesOutcomeKind(o.Kind), Fresh: o.Fresh, Owner: []byte(o.Owner), Name: o.Name,
		LeftNs: uint64(o.Left), Alike: o.Alike, Seq: o.Seq, Limit: uint32(o.Limit), PerOwner: o.PerOwner,
	}
	for _, i := range o.Lost {
		m.Lost = append(m.Lost, uint32(i))
	}
	return m
}

// OutcomeOf checks what was sent.
func OutcomeOf(m *pb.NamesOutcome) (Outcome, error) {
	o := Outcome{
		Kind: Kind(m.GetKind()), Fresh: m.GetFresh(), Owner: peer.ID(m.GetOwner()), Name: m.GetName(),
		Left: span(m.GetLeftNs()), Alike: m.GetAlike(), Seq: m.GetSeq(), Limit: int(m.GetLimit()), PerOwner: m.GetPerOwner(),
	}
	if m.GetKind() < 1 || o.Kind > Malformed || len(o.Name) > MaxKey || len(m.GetLost()) > MaxRenewals ||
		len(o.Owner) > MaxOwner || o.Left > 2*MaxSpan {
		return Outcome{}, fmt.Errorf("%w: outcome", ErrMalformed)
	}
	if len(o.Owner) > 0 {
		if _, err := peer.IDFromBytes(m.GetOwner()); err != nil {
			return Outcome{}, fmt.Errorf("%w: owner", ErrMalformed)
		}
	}
	for _, i := range m.GetLost() {
		if i >= MaxRenewals {
			return Outcome{}, fmt.Errorf("%w: place %d in a batch", ErrMalformed, i)
		}
		o.Lost = append(o.Lost, int(i))
	}
	return o, nil
}
