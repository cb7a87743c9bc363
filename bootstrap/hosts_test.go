package bootstrap

import (
	"context"
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(victimFolder); folder != "" {
		runVictim(folder)
	}
	goleak.VerifyTestMain(m,
		// Started by packages that libp2p imports, for as long as the process runs.
		goleak.IgnoreAnyFunction("github.com/ipfs/go-log/v2.(*PipeReader).Read"),
		goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"),
		goleak.IgnoreTopFunction("github.com/golang/glog.(*fileSink).flushDaemon"),
	)
}

// patience is how long a test waits for what it expects, on a machine however busy.
const patience = 30 * time.Second

func newHost(t testing.TB, opts ...libp2p.Option) host.Host {
	t.Helper()
	h, err := libp2p.New(append([]libp2p.Option{
		libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func infoOf(h host.Host) peer.AddrInfo { return peer.AddrInfo{ID: h.ID(), Addrs: h.Addrs()} }

// startServer starts a server on a host of its own, with what set changes.
func startServer(t testing.TB, set ...func(*Server)) *Server {
	t.Helper()
	s := &Server{Host: newHost(t), Logger: testLogger(t)}
	for _, f := range set {
		f(s)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func withLease(d time.Duration) func(*Server) { return func(s *Server) { s.Lease = d } }

func startClient(t testing.TB, servers ...peer.AddrInfo) *Client {
	t.Helper()
	c, err := ClientConfig{Logger: testLogger(t)}.NewClient(newHost(t), servers...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func infos(servers ...*Server) []peer.AddrInfo {
	var all []peer.AddrInfo
	for _, s := range servers {
		all = append(all, infoOf(s.Host))
	}
	return all
}

// deadServer is an address where nobody listens.
func deadServer(t testing.TB) peer.AddrInfo {
	t.Helper()
	h := newHost(t)
	info := infoOf(h)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	return info
}

func register(t testing.TB, c *Client, name string) *Lease {
	t.Helper()
	l, err := c.Register(bounded(t), name)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func bounded(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a condition, looking often.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-deadline:
			t.Fatalf("not within %s: %s", patience, what)
		case <-tick.C:
		}
	}
}

func testLogger(t testing.TB) *slog.Logger {
	if !testing.Verbose() {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(logWriter{t}, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

type logWriter struct{ t testing.TB }

var _ io.Writer = logWriter{}

func (w logWriter) Write(b []byte) (int, error) {
	w.t.Logf("%s", b)
	return len(b), nil
}

func equalAddr(a, b ma.Multiaddr) bool { return a.Equal(b) }
