package bootstrap

import (
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/wire"
)

// present lists somebody new at a server, who does not ask it.
func present(t testing.TB, s *Server, change ...func(*claim)) {
	t.Helper()
	change = append(change, func(c *claim) { c.name = "" })
	c, err := openClaim(sealed(t, newHost(t), change...), s.Network, time.Now())
	if err == nil {
		_, err = s.commit(bounded(t), c.slimmed(), manner{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Whatever strangers take, the servers of a federation hear each other.
func TestStrangersKeepNoServerOut(t *testing.T) {
	servers := startFederation(t, 2)
	s := servers[0]
	s.mu.Lock()
	s.Limits.Streams, s.Limits.Watchers = 0, 0
	s.requests.peers = newQuota[peer.ID](1, 0, 0)
	s.mu.Unlock()
	for range maxLists {
		s.lists.admit(origin(nil))
	}
	stranger := rawTalk(t, newHost(t), s)
	req := sampleRequest()
	req.Network = wire.DefaultNetwork
	if err := stranger.send(req); err == nil {
		if resp, err := stranger.receive(patience); err == nil {
			t.Fatalf("a stranger is answered: %v", resp)
		}
	}
	for _, c := range servers[1].Host.Network().ConnsToPeer(s.Host.ID()) {
		_ = c.Close()
	}
	present(t, s)
	eventually(t, "the other server hears again", func() bool { return len(servers[1].List()) == 1 })
}

// Who is removed hears no more of what servers tell each other, on no stream.
func TestRemovedServerHearsNoMore(t *testing.T) {
	servers := startFederation(t, 2)
	s, removed := servers[0], servers[1].Host
	own := watchRequest(0, 0)
	own.GetWatch().Own = true
	raw := rawTalk(t, removed, s)
	if resp := raw.asks(t, own); !resp.GetPage().GetLast() {
		t.Fatalf("a server of the federation gets %v", resp)
	}
	eventually(t, "it is removed", func() bool {
		err := s.RemoveServer(bounded(t), removed.ID())
		return err == nil && !s.isFellow(removed.ID())
	})
	present(t, s, func(c *claim) { c.hidden = true })
	for {
		resp, err := raw.receive(aliveInterval + patience)
		if err != nil {
			break
		}
		if resp.GetChange() == nil || resp.GetChange().GetEntry() != nil {
			t.Fatalf("it hears %v", resp)
		}
	}
	if resp := rawTalk(t, removed, s).asks(t, own); resp.GetError() == nil {
		t.Errorf("it hears %v", resp)
	}
}
