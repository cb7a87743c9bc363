package streamconn_test

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"golang.org/x/net/nettest"

	"github.com/grapevine-p2p/grapevine/internal/streamconn"
)

const proto = "/grapevine/test/1.0.0"

var transports = map[string]string{
	"tcp":  "/ip4/127.0.0.1/tcp/0",
	"quic": "/ip4/127.0.0.1/udp/0/quic-v1",
}

// pairs returns a maker of connected conns between two hosts.
func pairs(t *testing.T, listen string) func() (a, b *streamconn.Conn) {
	var hosts [2]host.Host
	for i := range hosts {
		h, err := libp2p.New(libp2p.ListenAddrStrings(listen), libp2p.DisableRelay(),
			libp2p.ResourceManager(&network.NullResourceManager{}), libp2p.DisableMetrics())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.Close() })
		hosts[i] = h
	}
	var set streamconn.Set
	t.Cleanup(set.Close)
	accepted := make(chan network.Stream, 1)
	hosts[1].SetStreamHandler(proto, func(s network.Stream) {
		if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
			t.Error(err)
		}
		if _, err := s.Write([]byte{0}); err != nil {
			t.Error(err)
		}
		accepted <- s
	})
	if err := hosts[0].Connect(t.Context(), peer.AddrInfo{ID: hosts[1].ID(), Addrs: hosts[1].Addrs()}); err != nil {
		t.Fatal(err)
	}
	return func() (*streamconn.Conn, *streamconn.Conn) {
		s, err := hosts[0].NewStream(t.Context(), hosts[1].ID(), proto)
		if err != nil {
			t.Fatal(err)
		}
		// The protocol is settled by the first byte in each direction.
		if _, err := s.Write([]byte{0}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		addr := [2]streamconn.Addr{{Peer: hosts[0].ID(), Service: "test"}, {Peer: hosts[1].ID(), Service: "test"}}
		return set.Wrap(s, addr[0], addr[1]), set.Wrap(<-accepted, addr[1], addr[0])
	}
}

func TestConformance(t *testing.T) {
	for name, listen := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair := pairs(t, listen)
			nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
				a, b := pair()
				return a, b, func() { a.Close(); b.Close() }, nil
			})
		})
	}
}

func TestHalfCloseAndErrors(t *testing.T) {
	for name, listen := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pair := pairs(t, listen)

			a, b := pair()
			go func() {
				_, _ = io.Copy(b, b)
				_ = b.CloseWrite()
			}()
			if _, err := a.Write([]byte("echo")); err != nil {
				t.Fatal(err)
			}
			if err := a.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(a)
			if err != nil || string(got) != "echo" {
				t.Fatalf("after half-close: read %q, %v", got, err)
			}

			a, b = pair()
			if _, err := a.Write([]byte("last words")); err != nil {
				t.Fatal(err)
			}
			if err := a.Close(); err != nil {
				t.Fatal(err)
			}
			if got, err = io.ReadAll(b); err != nil || string(got) != "last words" {
				t.Fatalf("after Close: read %q, %v", got, err)
			}
			if err := a.Close(); !errors.Is(err, net.ErrClosed) {
				t.Fatalf("second Close: %v", err)
			}
			if _, err := a.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
				t.Fatalf("Read after Close: %v", err)
			}

			a, _ = pair()
			if err := a.SetReadDeadline(time.Now().Add(-time.Second)); err != nil {
				t.Fatal(err)
			}
			if _, err := a.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Fatalf("Read after its deadline: %v", err)
			}
			if a.RemoteAddr().Network() != "libp2p" || a.RemoteAddr().String() == a.LocalAddr().String() {
				t.Fatalf("addresses %v, %v", a.LocalAddr(), a.RemoteAddr())
			}
		})
	}
}

func TestWriterIsReleasedWhenReaderCloses(t *testing.T) {
	for name, listen := range transports {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := pairs(t, listen)()
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			// b discards for a while, then resets: a's endless writer must come to an end.
			buf := make([]byte, 1<<16)
			var err error
			for err == nil {
				_, err = a.Write(buf)
			}
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Fatalf("write to a closed conn: %v", err)
			}
		})
	}
}

func TestSetCloseEndsAll(t *testing.T) {
	a, b := pairs(t, transports["tcp"])()
	go func() {
		_ = a.Close() // lingers until b is gone
	}()
	_, _ = io.ReadAll(b)
	if _, err := b.Write([]byte("x")); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal(err)
	}
}
