package bootstrap

import (
	"bufio"
	"bytes"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"
	"unique"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/wire"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// BenchmarkLease registers as many peers as it is told to, each under a name and with
// four addresses, and reports what the server keeps for each, without what libp2p
// keeps of connections:
//
//	go test ./bootstrap -run '^$' -bench '^BenchmarkLease$' -benchtime 100000x
func BenchmarkLease(b *testing.B) {
	s := startServer(b, withLease(time.Hour), func(s *Server) {
		s.Limits = Limits{Registrations: max(b.N, 1000), Names: max(b.N, 1000)}
	})
	before := live()
	b.ResetTimer()
	var wg sync.WaitGroup
	const together = 32
	for w := range together {
		wg.Go(func() {
			for i := w; i < b.N; i += together {
				if err := registerOver(s, i); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	b.ReportMetric(float64(live()-before)/float64(b.N), "heap-B/lease")
	runtime.KeepAlive(s)
}

// live is the memory of what is reachable.
func live() int64 {
	runtime.GC()
	runtime.GC() // what the first has swept into pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// registerOver registers a peer of its own as the handler of its stream would.
func registerOver(s *Server, i int) error {
	key, _, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		return err
	}
	id, err := peer.IDFromPrivateKey(key)
	if err != nil {
		return err
	}
	name := fmt.Sprint("peer-", i)
	var addrs []ma.Multiaddr
	for _, format := range []string{"/ip4/10.%d.%d.%d/tcp/4001", "/ip4/10.%d.%d.%d/udp/4001/quic-v1", "/ip6/fc00::%x:%x:%x/tcp/4001", "/ip6/fc00::%x:%x:%x/udp/4001/quic-v1"} {
		addrs = append(addrs, ma.StringCast(fmt.Sprintf(format, i>>16&0xff, i>>8&0xff, i&0xff)))
	}
	c := &claim{
		particulars: &particulars{addrs}, expires: secondOf(time.Now().Add(time.Hour)),
		network: unique.Make(wire.DefaultNetwork), name: name, peer: id, seq: 1,
	}
	sealed, err := c.seal(key)
	if err != nil {
		return err
	}
	var frame bytes.Buffer
	req := registerRequest(sealed)
	req.GetRegister().Detached = true
	if err := wire.WriteFrame(&frame, maxRequest, req); err != nil {
		return err
	}
	var received pb.DirectoryRequest
	if err := wire.ReadFrame(bufio.NewReader(&frame), maxRequest, &received); err != nil {
		return err
	}
	resp, err := s.register(&goneConn{peer: id, addr: addrs[0]}, received.GetRegister())
	if err == nil && resp.GetGranted() == nil {
		err = fmt.Errorf("register %q: %v", name, resp)
	}
	return err
}

// goneConn is a connection of a peer that does not stay.
type goneConn struct {
	network.Conn
	peer peer.ID
	addr ma.Multiaddr
}

func (c *goneConn) RemotePeer() peer.ID { return c.peer }

func (c *goneConn) RemoteMultiaddr() ma.Multiaddr { return c.addr }
