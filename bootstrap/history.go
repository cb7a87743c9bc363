package bootstrap

import (
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// point is one step of the last minutes: how many were online at its end, and what
// happened in it.
type point struct {
	At      int64  `json:"at"` // milliseconds since 1970
	Online  int    `json:"online"`
	Joins   uint64 `json:"joins"`
	Leaves  uint64 `json:"leaves"`
	Claims  uint64 `json:"claims"`
	Lookups uint64 `json:"lookups"`
}

// happening is a join, a leave or what became of a name, as the page tells of it.
type happening struct {
	At   int64   `json:"at"` // milliseconds since 1970
	Kind string  `json:"kind"`
	Name string  `json:"name,omitempty"`
	ID   peer.ID `json:"id"`
}

// history is the last minutes of a server, for the page.
type history struct {
	mu      sync.Mutex
	points  []point     // oldest first
	recent  []happening // oldest first
	members []Member
	added   chan struct{} // closed and replaced by the next point, or when the members change
}

func newHistory() *history { return &history{added: make(chan struct{})} }

// since returns the points after a time, the members, and a channel that is closed
// when there is more.
func (h *history) since(at int64) ([]point, []Member, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	first := len(h.points)
	for first > 0 && h.points[first-1].At > at {
		first--
	}
	return append([]point{}, h.points[first:]...), h.members, h.added
}

func (h *history) happened() []happening {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]happening{}, h.recent...)
}

func (h *history) tell() {
	close(h.added)
	h.added = make(chan struct{})
}

// take adds what changed to the step under way and to what happened.
func (h *history) take(now time.Time, step *point, changes []change) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i := range changes {
		e := &changes[i].entry
		kind := changes[i].kind
		switch {
		case kind == Joined && e.claim.name != "":
			step.Claims++
			step.Joins++
		case kind == Joined:
			step.Joins++
		case changes[i].parted:
			step.Leaves++
		}
		there := e.unconfirmed || changes[i].parted || changes[i].others.online > 0
		told := kind != Updated && (kind != Expired || there) // else it went away before
		if word := changes[i].word(); told && word != "" && !e.claim.hidden {
			h.recent = append(h.recent, happening{now.UnixMilli(), word, e.claim.name, e.claim.peer})
		}
	}
	if extra := len(h.recent) - maxRecent; extra > 0 {
		h.recent = slices.Delete(h.recent, 0, extra)
	}
}

// word is what the page tells of a change that it did not see: as it would have, had it
// seen it (page/model.js). Empty: nothing.
func (c *change) word() string {
	switch {
	case c.others.leases == 0 || c.kind == Away, c.kind == Joined && c.entry.claim.name == "":
		return c.kind.String()
	case c.kind == Joined:
		return "claimed"
	case c.entry.claim.name != "":
		return "released"
	}
	return ""
}

// add ends a step.
func (h *history) add(p point) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.points) == historySteps {
		h.points = slices.Delete(h.points, 0, 1)
	}
	h.points = append(h.points, p)
	h.tell()
}

func (h *history) setMembers(members []Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	same := func(a, b Member) bool {
		return a.Peer.ID == b.Peer.ID && a.Voter == b.Voter && a.Leader == b.Leader && a.Reachable == b.Reachable && a.Behind == b.Behind
	}
	if !slices.EqualFunc(h.members, members, same) {
		h.members = members
		h.tell()
	}
}

// remember keeps the history: it looks at the journal and the members every second.
func (s *Server) remember() {
	defer s.wg.Done()
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	revision, lookups := s.journal.now(), s.counts.lookups.Load()
	var step point
	end := time.Now().Add(historyStep)
	for {
		s.history.setMembers(s.Members())
		var now time.Time
		select {
		case <-s.ctx.Done():
			return
		case now = <-ticker.C:
		}
		changes, _, err := s.journal.after(revision, journalSize)
		if err != nil {
			revision = s.journal.now() // the picture lacks a second
		}
		revision += uint64(len(changes))
		s.history.take(now, &step, changes)
		if now.Before(end) {
			continue
		}
		total := s.counts.lookups.Load()
		step.At, step.Online, step.Lookups = now.UnixMilli(), s.population().Online, total-lookups
		s.history.add(step)
		step, lookups, end = point{}, total, now.Add(historyStep)
	}
}
