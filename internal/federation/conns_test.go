package federation

import (
	"fmt"
	"net"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/streamconn"
)

// connFrom is a conn that nobody reads.
type connFrom struct {
	net.Conn
	peer peer.ID
}

func (c connFrom) RemoteAddr() net.Addr { return streamconn.Addr{Peer: c.peer} }

func (connFrom) Close() error { return nil }

// TestStrangersLeaveRoom opens as many conns as strangers may, and then those of
// members.
func TestStrangersLeaveRoom(t *testing.T) {
	s := conns{open: make(map[*conn]struct{}), in: make(map[peer.ID]int)}
	fill := func(member bool, peers int) (taken int) {
		for i := range peers {
			for range maxConns {
				if s.admit(connFrom{peer: peer.ID(fmt.Sprint(member, i))}, member) != nil {
					taken++
				}
			}
		}
		return taken
	}
	for _, tt := range []struct {
		member      bool
		peers, want int
	}{
		{false, 1, maxConnsPerStranger},
		{false, maxStrangers, maxStrangers - maxConnsPerStranger},
		{true, 1, maxConnsPerPeer},
		{true, maxMembers, maxConns - maxConnsPerPeer},
	} {
		if n := fill(tt.member, tt.peers); n != tt.want {
			t.Errorf("of %d peers, members %v, %d conns are let in, want %d", tt.peers, tt.member, n, tt.want)
		}
	}
	if s.add(connFrom{peer: "somebody"}) == nil {
		t.Error("there is no room for this server's own")
	}
	for c := range s.open {
		_ = c.Close()
	}
	s.wait()
	if len(s.in) != 0 || s.coming != [strangers + 1]int{} {
		t.Errorf("left: %v %v", s.in, s.coming)
	}
	s.end()
	if s.admit(connFrom{peer: "late"}, true) != nil {
		t.Error("one came after the end")
	}
}
