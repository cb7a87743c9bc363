package federation

import (
	"context"
	"slices"
	"time"
)

// schedule grows the federation from one to three to five servers and shrinks it
// again. A change that failed may yet be made, so it is asked for until it is.
func (h *history) schedule() {
	for _, size := range []int{3, 5, 3, 1} {
		if !h.pause(10*time.Second, 25*time.Second) {
			return
		}
		for h.size() != size {
			h.setSmall(size < 3)
			grows := h.size() < size
			if !grows && size < 3 && !h.recovered() {
				if !h.goesOn(size) {
					return
				}
				continue
			}
			s := h.choose(grows)
			change := h.remove
			if grows {
				change = h.add
			}
			for !change(s) {
				if !h.goesOn(size) {
					return
				}
			}
		}
	}
}

// goesOn waits a moment, and tells whether there is still hope.
func (h *history) goesOn(size int) bool {
	if h.now() > historyTime+3*time.Minute {
		h.problem("the servers are %d and not %d long after all is healed", h.size(), size)
		h.describe()
		return false
	}
	return h.pause(100*time.Millisecond, time.Second)
}

func (h *history) setSmall(small bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.small = small
}

// choose picks a server to be added or removed.
func (h *history) choose(add bool) *server {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []*server
	for _, s := range h.servers {
		if slices.Contains(h.members, s) != add {
			all = append(all, s)
		}
	}
	return all[h.rng.IntN(len(all))]
}

// describe tells how each server sees the federation.
func (h *history) describe() {
	for i, s := range h.servers {
		if f := h.up[s]; f != nil {
			h.t.Logf("server %d, asked for %v, lost %v: %+v", i, slices.Contains(h.members, s), s == h.lost, f.Status(context.Background()))
		}
	}
}

func (h *history) size() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.members)
}

func (h *history) add(s *server) bool {
	h.mu.Lock()
	runs := h.up[s] != nil
	h.mu.Unlock()
	if !runs {
		h.start(s)
	}
	_, by := h.any()
	if by == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(h.ctx, 20*time.Second)
	defer cancel()
	if err := by.AddServer(ctx, s.info()); err != nil {
		h.count("failed addition")
		return false
	}
	h.count("addition")
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members = append(h.members, s)
	return true
}

func (h *history) remove(s *server) bool {
	_, by := h.any()
	if by == nil {
		return false
	}
	ctx, cancel := context.WithTimeout(h.ctx, 20*time.Second)
	defer cancel()
	if err := by.RemoveServer(ctx, s.id); err != nil {
		h.count("failed removal")
		return false
	}
	h.count("removal")
	h.mu.Lock()
	h.members = slices.DeleteFunc(h.members, func(m *server) bool { return m == s })
	if h.lost == s {
		h.lost = nil
	}
	h.mu.Unlock()
	h.kill(s)
	if h.random(2) == 0 {
		s.stores = MemoryStores()
	}
	return true
}
