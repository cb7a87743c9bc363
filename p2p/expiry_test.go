package p2p

import (
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/fabric"
	"github.com/grapevine-p2p/grapevine/internal/feed"
	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// Who vanishes without a goodbye is offline when his announcement has expired, and an
// old announcement does not bring him back.
func TestPresenceExpires(t *testing.T) {
	h, err := new(fabric.Fabric).NewHost(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	node := &Node{host: h, events: feed.New[Event](eventQueue), contacts: newContacts(h)}
	p := &presence{node: node, online: make(map[peer.ID]Presence), latest: newCache[peer.ID, uint64](maxPresent)}
	events := node.events.Follow()
	_, key, err := crypto.GenerateEd25519Key(nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Unix(1e9, 0)
	heard := func(seqno uint64, at time.Time) {
		p.heard(&pb.Presence{Name: "ana"}, peer.AddrInfo{ID: id}, id, seqno, at)
	}
	heard(5, began)
	heard(6, began.Add(10*time.Second))
	p.expire(began.Add(10*time.Second + presenceExpiry))
	if len(p.online) != 1 {
		t.Error("expired too early")
	}
	p.expire(began.Add(11*time.Second + presenceExpiry))
	heard(6, began.Add(100*time.Second))
	if len(p.online) != 0 {
		t.Error("an old announcement counts")
	}
	heard(7, began.Add(100*time.Second))
	var kinds []EventKind
	for len(events.C) > 0 {
		kinds = append(kinds, (<-events.C).Kind)
	}
	if want := []EventKind{PresenceUp, PresenceDown, PresenceUp}; !slices.Equal(kinds, want) {
		t.Errorf("events %v, want %v", kinds, want)
	}
}
