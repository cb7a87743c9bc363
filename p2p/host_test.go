package p2p_test

import (
	"io"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/p2p"
)

// Everything works over QUIC alone.
func TestOverQUIC(t *testing.T) {
	quic := p2p.WithListenAddrs("/ip4/127.0.0.1/udp/0/quic-v1")
	a, b := start(t, quic), start(t, quic)
	join(t, a, b.AddrInfo())
	defer b.Share(p2p.Items{{Key: "k", Name: "n"}})()
	if hits := collect(t, a, p2p.Query{Key: "k", Max: 1, Timeout: patience}); len(hits) != 1 {
		t.Fatalf("%d hits", len(hits))
	}
	l, err := b.Listen("echo")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	echoed := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_, err = io.Copy(c, c)
			_ = c.Close()
		}
		echoed <- err
	}()
	c, err := a.Dial(t.Context(), b.ID(), "echo")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "hello"); err != nil {
		t.Fatal(err)
	}
	if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
	if err := <-echoed; err != nil {
		t.Error(err)
	}
	for _, conn := range a.Host().Network().ConnsToPeer(b.ID()) {
		if s := conn.RemoteMultiaddr().String(); !strings.Contains(s, "/quic-v1") {
			t.Errorf("connected over %s", s)
		}
	}
}

// A node listens on TCP and QUIC where nobody says otherwise.
func TestBothTransportsByDefault(t *testing.T) {
	n, err := p2p.New()
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	var all strings.Builder
	for _, a := range n.Host().Network().ListenAddresses() {
		all.WriteString(a.String() + " ")
	}
	if !strings.Contains(all.String(), "/tcp/") || !strings.Contains(all.String(), "/quic-v1") {
		t.Errorf("listens on %s", all.String())
	}
}
