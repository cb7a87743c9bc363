package program

import (
	"fmt"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// checkPorts fails for an address that cannot be listened on: libp2p shares a TCP
// port with another program of the same user, and each would get half of the calls.
func checkPorts(addrs []string) error {
	for _, s := range addrs {
		addr, err := multiaddr.NewMultiaddr(s)
		if err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
		if err := checkPort(addr); err != nil {
			return fmt.Errorf("--listen: cannot listen on %s; stop the program that does, or choose another port: %w", s, err)
		}
	}
	return nil
}

func checkPort(addr multiaddr.Multiaddr) error {
	base, _ := multiaddr.SplitFunc(addr, func(c multiaddr.Component) bool {
		code := c.Protocol().Code
		return code != multiaddr.P_IP4 && code != multiaddr.P_IP6 && code != multiaddr.P_IP6ZONE &&
			code != multiaddr.P_TCP && code != multiaddr.P_UDP
	})
	if _, err := base.ValueForProtocol(multiaddr.P_UDP); err == nil {
		conn, err := manet.ListenPacket(base)
		if err != nil {
			return err
		}
		return conn.Close()
	}
	l, err := manet.Listen(base)
	if err != nil {
		return err
	}
	return l.Close()
}
