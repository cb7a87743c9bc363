package p2p_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/grapevine-p2p/grapevine/internal/fabric"
	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

// start makes a node as a program would, on loopback, and closes it with the test.
func start(t *testing.T, opts ...p2p.Option) *p2p.Node {
	t.Helper()
	n, err := p2p.New(append([]p2p.Option{
		p2p.WithListenAddrs("/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

func join(t *testing.T, n *p2p.Node, seeds ...peer.AddrInfo) {
	t.Helper()
	if _, err := n.Join(t.Context(), seeds...); err != nil {
		t.Fatal(err)
	}
}

func TestNodeComesBackWithoutSeeds(t *testing.T) {
	folder := t.TempDir()
	first, second := start(t), start(t)
	join(t, second, first.AddrInfo())

	n := start(t, p2p.WithDataDir(folder))
	join(t, n, first.AddrInfo())
	id := n.ID()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	again := start(t, p2p.WithDataDir(folder))
	if again.ID() != id {
		t.Errorf("identity changed from %s to %s", id, again.ID())
	}
	join(t, again)
	if len(again.Neighbours()) == 0 {
		t.Error("no neighbours after a restart without seeds")
	}
}

func TestDamagedHostCacheIsSurvived(t *testing.T) {
	folder := t.TempDir()
	first := start(t)
	n := start(t, p2p.WithDataDir(folder))
	join(t, n, first.AddrInfo())
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(folder, "node", "contacts")
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int{0, 1, len(data) / 2, len(data) - 1} {
		if err := os.WriteFile(name, data[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		var log syncBuffer
		again := start(t, p2p.WithDataDir(folder), p2p.WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		if length > 1 && !strings.Contains(log.String(), "host cache repaired") {
			t.Errorf("cut to %d bytes: nothing logged: %s", length, log.String())
		}
	}
}

// syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func TestNewErrors(t *testing.T) {
	busy := start(t)
	var port string
	for _, a := range busy.Host().Addrs() {
		if s := a.String(); strings.Contains(s, "/tcp/") {
			port = s
		}
	}
	future := t.TempDir()
	if err := os.Chmod(future, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(future, "VERSION"), []byte("999\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	used := filepath.Join(t.TempDir(), "used")
	start(t, p2p.WithDataDir(used))
	for _, test := range []struct {
		name string
		opts []p2p.Option
		want string
	}{
		{"taken port", []p2p.Option{p2p.WithListenAddrs(port)}, "address already in use"},
		{"bad address", []p2p.Option{p2p.WithListenAddrs("somewhere")}, `"somewhere"`},
		{"no network name", []p2p.Option{p2p.WithNetwork("")}, "network name"},
		{"bad degree", []p2p.Option{p2p.WithDegree(-1), p2p.WithListenAddrs("/ip4/127.0.0.1/tcp/0")}, "Degree"},
		{"folder of the future", []p2p.Option{p2p.WithDataDir(future)}, "999"},
		{"folder in use", []p2p.Option{p2p.WithDataDir(used)}, "in use"},
	} {
		n, err := p2p.New(test.opts...)
		if err == nil {
			n.Close()
			t.Errorf("%s: no error", test.name)
		} else if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v", test.name, err)
		}
	}
}

func TestJoinErrors(t *testing.T) {
	other := start(t, p2p.WithNetwork("elsewhere"))
	n := start(t)
	_, err := n.Join(t.Context(), other.AddrInfo())
	var refused *p2p.RefusedError
	if !errors.Is(err, p2p.ErrNotJoined) || !errors.As(err, &refused) || !strings.Contains(refused.Reason, "elsewhere") {
		t.Errorf("other network: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	gone := peer.AddrInfo{ID: other.ID(), Addrs: other.Host().Addrs()}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Join(ctx, gone); !errors.Is(err, p2p.ErrNotJoined) {
		t.Errorf("dead seed: %v", err)
	}
	// One dead seed among live ones does no harm.
	live := start(t)
	if reached, err := n.Join(t.Context(), gone, live.AddrInfo()); err != nil || reached != 1 {
		t.Errorf("dead and live seeds: %d, %v", reached, err)
	}
	if reached, err := start(t).Join(t.Context()); err != nil || reached != 0 {
		t.Errorf("nobody to ask: %d, %v", reached, err)
	}
}

func TestHostOfTheCaller(t *testing.T) {
	var f fabric.Fabric
	h, err := f.NewHost(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	n, err := p2p.New(p2p.WithHost(h))
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if len(h.Network().ListenAddresses()) == 0 {
		t.Error("the caller's host was closed")
	}
	// A second node on the same host finds nothing of the first.
	if n, err = p2p.New(p2p.WithHost(h)); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}

// Nothing of a node stays behind in a host that lives on.
func TestNeighboursAreNotProtectedAfterClose(t *testing.T) {
	net := p2ptest.New(t, 2)
	a, b := net.Nodes[0], net.Nodes[1]
	eventually(t, "linked", func() bool { return len(a.Neighbours()) == 1 })
	conns := a.Host().ConnManager()
	if !conns.IsProtected(b.ID(), "") {
		t.Error("a neighbour's connection may be trimmed")
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if conns.IsProtected(b.ID(), "") {
		t.Error("still protected after Close")
	}
}

func TestEventsEnd(t *testing.T) {
	node := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	events := node.Events(ctx)
	cancel()
	for range events {
		t.Error("an event after the context's end")
	}
	events = node.Events(t.Context())
	if err := node.Close(); err != nil {
		t.Fatal(err)
	}
	for range events {
		t.Error("an event after Close")
	}
	for range events {
		t.Error("an event in a second loop")
	}
}

func TestEventsAndGoodbye(t *testing.T) {
	net := p2ptest.New(t, 2)
	a, b := net.Nodes[0], net.Nodes[1]
	events := a.Events(t.Context())
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for ev, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind == p2p.NeighbourDown && ev.Peer == b.ID() {
			if ev.Reason != "left" {
				t.Errorf("a polite close is seen as %q", ev.Reason)
			}
			break
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for range a.Events(t.Context()) {
		t.Error("an event after Close")
	}
	for _, err := range a.Query(t.Context(), p2p.Query{Key: "k"}) {
		if !errors.Is(err, p2p.ErrClosed) {
			t.Errorf("query after Close: %v", err)
		}
	}
	if _, err := a.Dial(t.Context(), b.ID(), "x"); !errors.Is(err, p2p.ErrClosed) {
		t.Errorf("dial after Close: %v", err)
	}
	if _, err := a.Listen("x"); !errors.Is(err, p2p.ErrClosed) {
		t.Errorf("listen after Close: %v", err)
	}
	if _, err := a.Join(t.Context()); !errors.Is(err, p2p.ErrClosed) {
		t.Errorf("join after Close: %v", err)
	}
}

func TestSilentNeighbourIsNoticed(t *testing.T) {
	net := p2ptest.New(t, 2)
	events := net.Nodes[0].Events(t.Context())
	net.Cut(1)
	for ev, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind == p2p.NeighbourDown {
			if ev.Reason != "silent" {
				t.Errorf("reason %q", ev.Reason)
			}
			break
		}
	}
	net.Heal(1)
	eventually(t, "linked again after the cut", func() bool {
		return len(net.Nodes[0].Neighbours()) == 1 && len(net.Nodes[1].Neighbours()) == 1
	})
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	a := start(t, p2p.WithMetrics(registry))
	b := start(t)
	join(t, a, b.AddrInfo())
	if n := counter(t, registry, "grapevine_messages_sent_total"); n == 0 {
		t.Error("no messages counted")
	}
	if a.Traffic().Sent == 0 {
		t.Error("nothing sent")
	}
}

// counter is the value of one of a node's counters.
func counter(t *testing.T, registry *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no counter %s", name)
	return 0
}
