package chat

import (
	"context"
	"errors"
	"syscall"
	"testing"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multiaddr"
)

// Only the machine itself says that nothing listens there.
func TestUnreached(t *testing.T) {
	addr := multiaddr.StringCast("/ip6/2001:db8::1/tcp/1")
	for cause, refused := range map[error]bool{
		syscall.ECONNREFUSED:          true,
		swarm.ErrDialRefusedBlackHole: false,
		context.DeadlineExceeded:      false,
	} {
		err := &swarm.DialError{DialErrors: []swarm.TransportError{{Address: addr, Cause: cause}}}
		if got := unreached(addr, err); errors.Is(got, errRefused) != refused {
			t.Errorf("of %v: %v", cause, got)
		}
	}
}
