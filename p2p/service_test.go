package p2p_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/test"
	"github.com/multiformats/go-multiaddr"
	"golang.org/x/net/nettest"

	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

func TestServiceConformance(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	l, err := nodes[1].Listen("pipe")
	if err != nil {
		t.Fatal(err)
	}
	nettest.TestConn(t, func() (net.Conn, net.Conn, func(), error) {
		a, err := nodes[0].Dial(t.Context(), nodes[1].ID(), "pipe")
		if err != nil {
			return nil, nil, nil, err
		}
		b, err := l.Accept()
		return a, b, func() { a.Close(); b.Close() }, err
	})
}

func TestHTTPRunsUnchanged(t *testing.T) {
	nodes := p2ptest.New(t, 2).Nodes
	l, err := nodes[1].Listen("files")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.RemoteAddr)
	})}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()

	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return nodes[0].Dial(ctx, nodes[1].ID(), "files")
	}}
	response, err := (&http.Client{Transport: transport}).Get("http://peer/")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err := errors.Join(err, response.Body.Close()); err != nil {
		t.Fatal(err)
	}
	if want := nodes[0].ID().String() + "/files"; string(body) != want {
		t.Errorf("the server saw %q, want %q", body, want)
	}
	transport.CloseIdleConnections()
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
}

func TestDialRefusals(t *testing.T) {
	net := p2ptest.New(t, 2)
	other := net.Add(p2p.WithNetwork("elsewhere"))
	a, b := net.Nodes[0], net.Nodes[1]
	if _, err := a.Dial(t.Context(), b.ID(), "nothing"); !errors.Is(err, p2p.ErrNoService) {
		t.Errorf("no such service: %v", err)
	}
	if _, err := a.Dial(t.Context(), b.ID(), ""); !errors.Is(err, p2p.ErrBadService) {
		t.Errorf("no name: %v", err)
	}
	l, err := b.Listen("files")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Listen("files"); !errors.Is(err, p2p.ErrServiceInUse) {
		t.Errorf("second listener: %v", err)
	}
	if err := other.Host().Connect(t.Context(), b.AddrInfo()); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Dial(t.Context(), b.ID(), "files"); !errors.Is(err, p2p.ErrOtherNetwork) {
		t.Errorf("other network: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Dial(t.Context(), b.ID(), "files"); !errors.Is(err, p2p.ErrNoService) {
		t.Errorf("closed listener: %v", err)
	}
}

// Why a peer is not reached is told in a line, however many addresses it has.
func TestDialSaysWhyInALine(t *testing.T) {
	a := start(t)
	id, err := test.RandPeerID()
	if err != nil {
		t.Fatal(err)
	}
	addrs := []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/127.0.0.1/tcp/1"), multiaddr.StringCast("/ip4/127.0.0.1/tcp/2")}
	a.Host().Peerstore().AddAddrs(id, addrs, peerstore.PermanentAddrTTL)
	if _, err := a.Dial(t.Context(), id, "files"); err == nil || strings.Contains(err.Error(), "\n") {
		t.Errorf("nobody is there: %v", err)
	}
}
