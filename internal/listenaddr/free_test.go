package listenaddr_test

import (
	"errors"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/grapevine-p2p/grapevine/internal/listenaddr"
)

func TestFree(t *testing.T) {
	tcp, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer udp.Close()
	takenTCP, err := manet.FromNetAddr(tcp.Addr())
	if err != nil {
		t.Fatal(err)
	}
	takenUDP, err := manet.FromNetAddr(udp.LocalAddr())
	if err != nil {
		t.Fatal(err)
	}
	takenQUIC := takenUDP.Encapsulate(multiaddr.StringCast("/quic-v1"))
	open := multiaddr.StringCast("/ip4/127.0.0.1/tcp/0")

	if err := listenaddr.Free([]multiaddr.Multiaddr{open, multiaddr.StringCast("/dns4/localhost/tcp/1")}); err != nil {
		t.Errorf("free addresses: %v", err)
	}
	for _, taken := range []multiaddr.Multiaddr{takenTCP, takenQUIC} {
		err := listenaddr.Free([]multiaddr.Multiaddr{open, taken})
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), taken.String()) {
			t.Errorf("%s: %v", taken, err)
		}
	}
}
