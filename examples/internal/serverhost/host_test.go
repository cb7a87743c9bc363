package serverhost

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

func limited(t *testing.T) network.ResourceManager {
	t.Helper()
	m, err := newLimits()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

// connect opens a connection with streams of the directory, as libp2p does.
func connect(m network.ResourceManager, n int, from string, streams int) (network.ConnManagementScope, error) {
	conn, err := m.OpenConnection(network.DirInbound, true, multiaddr.StringCast(from))
	if err != nil {
		return nil, err
	}
	id := peer.ID(strconv.Itoa(n))
	if err := conn.SetPeer(id); err != nil {
		return nil, err
	}
	for range streams {
		span, err := conn.PeerScope().BeginSpan()
		if err != nil {
			return nil, err
		}
		if err := span.ReserveMemory(streamWindow, network.ReservationPriorityAlways); err != nil {
			return nil, err
		}
		stream, err := m.OpenStream(id, network.DirInbound)
		if err != nil {
			return nil, err
		}
		if err := stream.SetProtocol(protocol.ID(wire.Directory)); err != nil {
			return nil, err
		}
	}
	return conn, nil
}

// The server carries ten thousand peers, each with its leases and a watch.
func TestTenThousandConnections(t *testing.T) {
	const peers = 10_000
	m := limited(t)
	for i := range peers {
		if _, err := connect(m, i, fmt.Sprintf("/ip4/11.%d.%d.1/tcp/1", i>>8, i&255), 2); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
	for i := peers; i <= maxConns; i++ {
		_, err := connect(m, i, fmt.Sprintf("/ip4/11.%d.%d.1/tcp/1", i>>8, i&255), 1)
		if (err != nil) != (i == maxConns) {
			t.Fatalf("connection %d of at most %d: %v", i+1, maxConns, err)
		}
	}
}

// One public address has its share; the machine itself and its own network have all.
func TestShareOfOneAddress(t *testing.T) {
	for from, want := range map[string]int{
		"/ip4/203.0.114.7/tcp/1":  connsPerAddress,
		"/ip6/2001:4860::1/tcp/1": connsPerAddress,
		"/ip4/192.168.1.7/tcp/1":  2 * connsPerAddress,
		"/ip4/127.0.0.1/tcp/1":    2 * connsPerAddress,
	} {
		m := limited(t)
		granted := 0
		for i := range 2 * connsPerAddress {
			if _, err := connect(m, i, from, 0); err == nil {
				granted++
			}
		}
		if granted != want {
			t.Errorf("%s: %d connections granted, want %d", from, granted, want)
		}
		if _, err := connect(m, -1, "/ip4/203.0.115.7/tcp/1", 0); err != nil {
			t.Errorf("%s keeps another address out: %v", from, err)
		}
	}
}

// Who closes and opens connections again and again is slowed down.
func TestRateOfOneAddress(t *testing.T) {
	m := limited(t)
	began := time.Now()
	granted := 0
	for i := range 4 * connsPerAddress {
		if conn, err := connect(m, i, "/ip4/203.0.114.7/tcp/1", 0); err == nil {
			granted++
			conn.Done()
		}
	}
	if most := connsPerAddress + newConnsPerAddress*int(time.Since(began)/time.Second+1); granted < connsPerAddress || granted > most {
		t.Errorf("%d new connections granted in %s, want %d to %d", granted, time.Since(began), connsPerAddress, most)
	}
}

// Of a hundred thousand peers that come and go nothing is kept, and of another server
// all that it takes to dial it.
func TestPeersThatLeft(t *testing.T) {
	h, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	visitor, err := libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		t.Fatal(err)
	}
	defer visitor.Close()
	fellow := peer.ID("fellow")
	addr := multiaddr.StringCast("/ip4/192.0.2.1/tcp/4001")
	h.Peerstore().AddAddr(fellow, addr, peerstore.PermanentAddrTTL)
	left, err := h.EventBus().Subscribe([]any{new(event.EvtPeerIdentificationCompleted), new(event.EvtPeerConnectednessChanged)})
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()

	kept := func() (addrs, protocols int) {
		known, err := h.Peerstore().GetProtocols(visitor.ID())
		if err != nil {
			t.Fatal(err)
		}
		return len(h.Peerstore().Addrs(visitor.ID())), len(known)
	}
	h.Peerstore().AddAddrs(visitor.ID(), visitor.Addrs(), peerstore.PermanentAddrTTL)
	if _, err := h.Network().DialPeer(t.Context(), visitor.ID()); err != nil {
		t.Fatal(err)
	}
	h.Peerstore().ClearAddrs(visitor.ID())
	late := time.After(30 * time.Second)
	for gone := false; !gone; {
		select {
		case e := <-left.Out():
			switch e := e.(type) {
			case event.EvtPeerIdentificationCompleted:
				if addrs, protocols := kept(); addrs == 0 || protocols == 0 {
					t.Fatal("of a peer that is there nothing is known: the test shows nothing")
				}
				_ = h.Network().ClosePeer(visitor.ID())
			case event.EvtPeerConnectednessChanged:
				gone = e.Connectedness == network.NotConnected
			}
		case <-late:
			t.Fatal("the peer does not come and leave")
		}
	}
	for look := time.NewTicker(10 * time.Millisecond); ; {
		addrs, protocols := kept()
		if addrs+protocols == 0 {
			break
		}
		select {
		case <-look.C:
		case <-late:
			t.Fatalf("%d addresses and %d protocols are kept of a peer that left", addrs, protocols)
		}
	}
	if addrs := h.Peerstore().Addrs(fellow); len(addrs) != 1 {
		t.Fatalf("%v are kept of another server", addrs)
	}
}
