package chat

import (
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p/core/peer"
)

// Errors for a branch.
var (
	// ErrNotFound: nobody of that name or peer ID was found.
	ErrNotFound = errors.New("nobody of that name was found")
	// ErrAmbiguous: several peers answer to the name. An [AmbiguousError] lists them.
	ErrAmbiguous = errors.New("several peers have that name")
	// ErrOffline: the peer is known but does not answer.
	ErrOffline = errors.New("the peer cannot be reached")
	// ErrRefused: the peer does not want the conversation. A [RefusedError] says why.
	ErrRefused = errors.New("the peer refused the conversation")
	// ErrSelf: the address or name is our own.
	ErrSelf = errors.New("that is this peer itself")
	// ErrKeyChanged: a known name answers with another key. A [KeyChangedError] has both.
	ErrKeyChanged = errors.New("the name belongs to another key than before")
	// ErrDisconnected: the peer was lost, or is not connected, before it
	// acknowledged a message. The message is kept and sent again.
	ErrDisconnected = errors.New("disconnected before the message was acknowledged")
	// ErrLeft: the other side ended the stream on purpose.
	ErrLeft = errors.New("the peer left")
	// ErrTooLong: the text is over MaxText.
	ErrTooLong = errors.New("text too long")
	// ErrBadText: the text is empty or no UTF-8.
	ErrBadText = errors.New("text is empty or not UTF-8")
	// ErrBadName: the name is empty, too long, or has characters that cannot be shown.
	ErrBadName = errors.New("bad name")
	// ErrFull: too many messages wait for the peer, or too many conversations are open.
	ErrFull = errors.New("full")
	// ErrLagged: the reader was too slow, and something was left out.
	ErrLagged = errors.New("reader too slow: some were left out")
	// ErrClosed: the conversation or the service is closed.
	ErrClosed = errors.New("conversation closed")
)

// RefusedError says why a peer refused. It matches ErrRefused.
type RefusedError struct {
	Peer   peer.ID
	Reason string // as the peer said it: sanitise or quote it
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("%v: %s: %q", ErrRefused, e.Peer, e.Reason)
}

// Is reports whether target is ErrRefused.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// KeyChangedError tells that a name has another key than the contacts say. It
// matches ErrKeyChanged.
type KeyChangedError struct {
	Name  string // or the address, for a contact opened by host and port
	Known peer.ID
	Found peer.ID
}

func (e *KeyChangedError) Error() string {
	return fmt.Sprintf("%v: %q was %s and is now %s", ErrKeyChanged, e.Name, e.Known, e.Found)
}

// Is reports whether target is ErrKeyChanged.
func (e *KeyChangedError) Is(target error) bool { return target == ErrKeyChanged }

// AmbiguousError lists the peers that answer to one name. It matches ErrAmbiguous.
type AmbiguousError struct {
	Name  string
	Peers []peer.ID
}

func (e *AmbiguousError) Error() string {
	return fmt.Sprintf("%v: %q: %v", ErrAmbiguous, e.Name, e.Peers)
}

// Is reports whether target is ErrAmbiguous.
func (e *AmbiguousError) Is(target error) bool { return target == ErrAmbiguous }
