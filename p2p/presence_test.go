package p2p_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/grapevine-p2p/grapevine/p2p"
	"github.com/grapevine-p2p/grapevine/p2p/p2ptest"
)

func names(n *p2p.Node) (out []string) {
	for _, p := range n.Online() {
		out = append(out, p.Name)
	}
	return out
}

func TestPresence(t *testing.T) {
	clara := strings.Repeat("𝒳", 64) // the longest name that a directory grants
	net := p2ptest.New(t, 4, p2p.WithDegree(2))
	for i, n := range net.Nodes[:3] {
		if err := n.Announce([]string{"ana", "bruno", clara}[i]); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "all hear of all who announced themselves", func() bool {
		return slices.Equal(names(net.Nodes[0]), []string{"bruno", clara}) &&
			slices.Equal(names(net.Nodes[3]), []string{"ana", "bruno", clara})
	})
	if p := net.Nodes[3].Online()[0]; p.ID != net.Nodes[0].ID() || len(p.Addrs) == 0 {
		t.Errorf("ana is %+v", p)
	}
	if err := net.Nodes[1].Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "bruno's goodbye is heard", func() bool {
		return slices.Equal(names(net.Nodes[3]), []string{"ana", clara})
	})
	for _, bad := range []string{"", strings.Repeat("x", 65), strings.Repeat("𝒳", 65), "\xff"} {
		if err := net.Nodes[0].Announce(bad); err == nil {
			t.Errorf("announced %q", bad)
		}
	}
	if _, err := net.Nodes[0].PubSub().Join("some topic of another network"); err == nil {
		t.Error("joined a topic without the network's prefix")
	}
	if _, err := net.Nodes[0].PubSub().Join(net.Nodes[0].TopicPrefix() + "room"); err != nil {
		t.Error(err)
	}
}
