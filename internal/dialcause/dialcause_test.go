package dialcause

import (
	"errors"
	"fmt"
	"testing"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

func TestFirst(t *testing.T) {
	refused, other := errors.New("connection refused"), errors.New("no route")
	all := []swarm.TransportError{{Cause: refused}, {Cause: other}}
	half := []swarm.TransportError{{Cause: swarm.ErrQUICDraft29}, {Cause: swarm.ErrDialRefusedBlackHole}, {Cause: refused}, {Cause: other}}
	untried := []swarm.TransportError{{Cause: swarm.ErrDialToSelf}, {Cause: swarm.ErrGaterDisallowedConnection}, {Cause: swarm.ErrDialBackoff}, {Cause: refused}}
	none := &swarm.DialError{}
	for _, tt := range []struct{ err, want error }{
		{fmt.Errorf("connect: %w", &swarm.DialError{DialErrors: all, Cause: other}), refused},
		{&swarm.DialError{DialErrors: half, Cause: swarm.ErrAllDialsFailed}, refused},
		{&swarm.DialError{DialErrors: untried}, refused},
		{&swarm.DialError{DialErrors: half[:2], Cause: swarm.ErrNoGoodAddresses}, swarm.ErrQUICDraft29},
		{&swarm.DialError{Cause: swarm.ErrDialBackoff}, swarm.ErrDialBackoff},
		{none, none},
		{other, other},
	} {
		if got := First(tt.err); got != tt.want {
			t.Errorf("of %v: %v", tt.err, got)
		}
	}
}
