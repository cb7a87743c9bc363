// Package listenaddr checks listen addresses before a libp2p host takes them.
package listenaddr

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Free returns an error for each address whose port somebody else listens on.
// libp2p alone would not tell: it shares ports between processes, and it is content
// when one of several addresses works.
func Free(addrs []multiaddr.Multiaddr) error {
	var taken []error
	for _, a := range addrs {
		switch err := free(a); {
		case errors.Is(err, syscall.EADDRINUSE):
			taken = append(taken, fmt.Errorf("listen on %s (stop the program that does, or choose another port): %w", a, err))
		case err != nil:
			taken = append(taken, fmt.Errorf("listen on %s: %w", a, err))
		}
	}
	return errors.Join(taken...)
}

func free(a multiaddr.Multiaddr) error {
	thin, _ := multiaddr.SplitFunc(a, func(c multiaddr.Component) bool {
		code := c.Protocol().Code
		return code != multiaddr.P_IP4 && code != multiaddr.P_IP6 && code != multiaddr.P_IP6ZONE &&
			code != multiaddr.P_TCP && code != multiaddr.P_UDP
	})
	if len(thin) == 0 {
		return nil // nothing that this check understands
	}
	network, addr, err := manet.DialArgs(thin)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	switch network {
	case "tcp4", "tcp6":
		l, err := config.Listen(context.Background(), network, addr)
		if err != nil {
			return err
		}
		return l.Close()
	case "udp4", "udp6":
		c, err := config.ListenPacket(context.Background(), network, addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
	return nil
}
