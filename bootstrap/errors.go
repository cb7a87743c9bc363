package bootstrap

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// What a request can be refused with. Errors that a [Client] returns match these
// with errors.Is, whichever server said so.
var (
	// ErrNameTaken: another key holds the name. A [NameTakenError] says which.
	ErrNameTaken = errors.New("name is taken")
	// ErrNameInvalid: the name is too long, or contains what cannot be seen.
	ErrNameInvalid = errors.New("invalid name")
	// ErrNotOwner: only the key that holds a name can remove it.
	ErrNotOwner = errors.New("name is held by another peer")
	// ErrNotRegistered: nobody holds the name.
	ErrNotRegistered = errors.New("name is not registered")
	// ErrStale: the server has a newer record of this peer and name.
	ErrStale = errors.New("record is older than the server's")
	// ErrOtherNetwork: the server or the record belongs to another network.
	ErrOtherNetwork = errors.New("other network")
	// ErrUnsupported: the server does not know this request.
	ErrUnsupported = errors.New("request is not supported")
	// ErrMalformed: what was sent is not what the protocol allows.
	ErrMalformed = errors.New("malformed")
	// ErrForged: a record is not signed by the peer that it names.
	ErrForged = errors.New("record is not signed by its peer")
	// ErrBusy: a limit on rates was reached; try again later.
	ErrBusy = errors.New("too many requests")
	// ErrFull: a limit on numbers was reached.
	ErrFull = errors.New("server is full")
	// ErrStorage: the server cannot make registrations durable.
	ErrStorage = errors.New("server cannot store registrations")
	// ErrNoMajority: too few servers of the federation answer to grant or end
	// names; everything else goes on.
	ErrNoMajority = errors.New("no majority of the servers answers")
	// ErrLagged: the watcher was too slow and changes are missing; list again.
	ErrLagged = errors.New("watcher lagged behind")
	// ErrNoServer: no bootstrap server answers. The error names each one's own.
	ErrNoServer = errors.New("no bootstrap server answers")
	// ErrDisagree: servers name different peers for one name.
	ErrDisagree = errors.New("bootstrap servers disagree")
	// ErrClosed: the client, server or lease is closed.
	ErrClosed = errors.New("closed")
)

// NameTakenError tells who holds a name. It matches [ErrNameTaken].
type NameTakenError struct {
	Name  string
	Owner peer.ID
	// Until is when the name will be free if its owner stays silent.
	Until time.Time
	// Like is the name that is taken, when it is another that Name cannot be told
	// from by eye.
	Like string
}

func (e *NameTakenError) Error() string {
	until := e.Until.Format(time.DateTime)
	if e.Like != "" {
		return fmt.Sprintf("name %q looks like %q, which is taken by %s until %s", shorten(e.Name), shorten(e.Like), e.Owner, until)
	}
	return fmt.Sprintf("name %q is taken by %s until %s", e.Name, e.Owner, until)
}

// Is reports whether target is [ErrNameTaken].
func (e *NameTakenError) Is(target error) bool { return target == ErrNameTaken }

// laterError is a refusal that says when to try again.
type laterError struct {
	err   error
	after time.Duration
}

func (e *laterError) Error() string {
	return fmt.Sprintf("%v, try again in %s", e.err, e.after.Round(time.Millisecond))
}

func (e *laterError) Unwrap() error { return e.err }

func busy(after time.Duration) error { return &laterError{ErrBusy, after} }

// staleError says which sequence number a record has to exceed.
type staleError struct{ seq uint64 }

func (e *staleError) Error() string { return ErrStale.Error() }

func (e *staleError) Is(target error) bool { return target == ErrStale }

// noServerError joins what each server failed with.
type noServerError struct {
	servers []peer.ID
	errs    []error
}

func (e *noServerError) Error() string {
	var b strings.Builder
	b.WriteString(ErrNoServer.Error())
	for i, err := range e.errs {
		fmt.Fprintf(&b, "; %s: %v", e.servers[i], err)
	}
	return b.String()
}

func (e *noServerError) Is(target error) bool { return target == ErrNoServer }

func (e *noServerError) Unwrap() []error { return e.errs }
