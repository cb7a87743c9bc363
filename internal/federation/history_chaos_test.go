package federation

import (
	"context"
	"time"
)

// start runs a server with what its store holds, knowing the others.
func (h *history) start(s *server) {
	h.mu.Lock()
	var fellows []*server
	for _, m := range h.members {
		if m != s {
			fellows = append(fellows, m)
		}
	}
	h.mu.Unlock()
	f, err := Start(context.Background(), s.config(h.net, fellows...))
	if err != nil {
		h.t.Errorf("start: %v", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.up[s] = f
}

// kill stops a server: nothing that it sends after this moment arrives.
func (h *history) kill(s *server) {
	h.mu.Lock()
	f := h.up[s]
	delete(h.up, s)
	h.mu.Unlock()
	if f == nil {
		return
	}
	h.net.kill(s.id)
	if err := f.Close(); err != nil {
		h.t.Errorf("close: %v", err)
	}
}

// recovered tells whether nobody lacks a disk that it lost.
func (h *history) recovered() bool {
	h.mu.Lock()
	lost, f := h.lost, h.up[h.lost]
	h.mu.Unlock()
	if lost == nil {
		return true
	}
	_, other := h.any()
	if f == nil || other == nil {
		return false
	}
	// It votes, and there is no trace of the former one, as the leader sees it.
	if finished, err := other.settled(change{member: f.self}); err != nil || !finished {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lost = nil
	return true
}

// chaos breaks things, and mends them.
func (h *history) chaos(ctx context.Context) {
	for h.pause(200*time.Millisecond, 4*time.Second) && ctx.Err() == nil {
		s, _ := h.any()
		other, _ := h.any()
		if s == nil || h.random(4) == 0 {
			h.heal()
			continue
		}
		switch h.random(6) {
		case 0:
			h.count("cut")
			h.net.cut(s.id, other.id)
			h.net.cut(other.id, s.id)
		case 1:
			h.count("one-way cut")
			h.net.cut(s.id, other.id)
		case 2:
			h.count("isolation")
			for _, o := range h.servers {
				h.net.cut(s.id, o.id)
				if h.random(2) == 0 {
					h.net.cut(o.id, s.id)
				}
			}
		case 3:
			h.count("kill")
			h.kill(s)
		case 4:
			h.count("slow")
			h.net.slow(time.Duration(1+h.random(300)) * time.Millisecond)
		case 5:
			h.loseDisk(s)
		}
	}
}

// loseDisk restarts a server without its state, if no other waits to be taken back
// and the others are enough to take it back.
func (h *history) loseDisk(s *server) {
	h.mu.Lock()
	enough := len(h.members) >= 3 && !h.small
	h.mu.Unlock()
	if !enough || !h.recovered() {
		return
	}
	h.mu.Lock()
	h.lost = s
	h.mu.Unlock()
	h.count("lost disk")
	h.kill(s)
	s.stores = MemoryStores()
	h.start(s)
}

// heal mends the network and starts all that were killed.
func (h *history) heal() {
	h.net.heal()
	h.net.slow(20 * time.Millisecond)
	h.mu.Lock()
	var down []*server
	for _, s := range h.members {
		if h.up[s] == nil {
			down = append(down, s)
		}
	}
	h.mu.Unlock()
	for _, s := range down {
		if h.random(4) > 0 || h.now() > historyTime {
			h.start(s)
		}
	}
}
