// Package dialcause says in a few words why a peer was not reached.
package dialcause

import (
	"errors"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// First is why the first address of a dial that failed was not reached, or why none was
// tried: libp2p tells of all of them, and several times of the peer. Any other error
// stays as it is.
func First(err error) error {
	var dial *swarm.DialError
	switch {
	case !errors.As(err, &dial):
		return err
	case len(dial.DialErrors) > 0:
		return dial.DialErrors[0].Cause
	case dial.Cause != nil:
		return dial.Cause
	}
	return err
}
