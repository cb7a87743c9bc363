// Package dialcause says in a few words why a peer was not reached.
package dialcause

import (
	"errors"
	"slices"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// First is why the first address that was tried of a dial that failed was not reached, or
// why none was tried: libp2p tells of all of them, and several times of the peer. Any other
// error stays as it is.
func First(err error) error {
	var dial *swarm.DialError
	switch {
	case !errors.As(err, &dial):
		return err
	case len(dial.DialErrors) > 0:
		tried := slices.IndexFunc(dial.DialErrors, wasTried)
		return dial.DialErrors[max(0, tried)].Cause
	case dial.Cause != nil:
		return dial.Cause
	}
	return err
}

// wasTried tells whether an address was dialled. Those that were not come first, and say
// little of the peer: a host without QUIC has no use for half of its addresses.
func wasTried(e swarm.TransportError) bool {
	return !slices.ContainsFunc([]error{
		swarm.ErrNoTransport, swarm.ErrDialRefusedBlackHole, swarm.ErrDialToSelf, swarm.ErrGaterDisallowedConnection, swarm.ErrDialBackoff,
	}, func(not error) bool { return errors.Is(e.Cause, not) })
}
