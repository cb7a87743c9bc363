package backup

import (
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"
)

// transfers counts what a holder is doing for whom.
type transfers struct {
	most, each int // in all and of one peer

	mu    sync.Mutex
	all   int
	peers map[peer.ID]int
}

// begin counts one in; false if there are too many, of the peer's or in all.
func (t *transfers) begin(p peer.ID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.all >= t.most || t.peers[p] >= t.each {
		return false
	}
	if t.peers == nil {
		t.peers = make(map[peer.ID]int)
	}
	t.all++
	t.peers[p]++
	return true
}

func (t *transfers) end(p peer.ID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all--
	if t.peers[p]--; t.peers[p] == 0 {
		delete(t.peers, p)
	}
}

func (t *transfers) active() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all
}
