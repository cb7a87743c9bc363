package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"syscall"
	"testing"

	"github.com/libp2p/go-libp2p/p2p/net/swarm"
)

// What a person reads of a holder that does not answer is short, and on one line.
func TestWhy(t *testing.T) {
	refused := errors.New("dial tcp4 192.0.2.7:4001: connect: connection refused")
	asked := func(err error) error {
		return &url.Error{Op: "Get", URL: "http://share/slices/31e3?offset=0&length=1048576", Err: err}
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{asked(fmt.Errorf("failed to dial: %w", &swarm.DialError{DialErrors: []swarm.TransportError{{Cause: refused}}})), refused.Error()},
		{asked(&net.OpError{Op: "read", Net: "libp2p", Err: syscall.ECONNRESET}), syscall.ECONNRESET.Error()},
		{&net.OpError{Op: "read", Net: "libp2p", Err: io.ErrUnexpectedEOF}, io.ErrUnexpectedEOF.Error()},
		{asked(io.EOF), "EOF"},
		{errStalled, errStalled.Error()},
	} {
		if got := why(c.err); got == nil || got.Error() != c.want {
			t.Errorf("%v: %v, want %q", c.err, got, c.want)
		}
	}
	if err := why(nil); err != nil {
		t.Error(err)
	}
}
