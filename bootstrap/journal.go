package bootstrap

import "sync"

// journal keeps the last changes for watchers, who read at their own pace and are
// told when they lag. Adding one costs the same whoever watches.
type journal struct {
	mu       sync.Mutex
	ring     []change
	revision uint64        // of the newest change; the first is 1
	added    chan struct{} // closed and replaced by the next change
}

func newJournal(size int) *journal {
	return &journal{ring: make([]change, size), added: make(chan struct{})}
}

func (j *journal) add(changes ...change) {
	if len(changes) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range changes {
		j.revision++
		j.ring[j.revision%uint64(len(j.ring))] = c
	}
	close(j.added)
	j.added = make(chan struct{})
}

// now returns the revision of the newest change.
func (j *journal) now() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.revision
}

// after returns up to n changes that follow a revision, or when there are none a
// channel that is closed when there are. It fails with ErrLagged when they are no
// longer kept.
func (j *journal) after(revision uint64, n int) ([]change, <-chan struct{}, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case revision > j.revision:
		return nil, nil, ErrLagged // of another run
	case revision == j.revision:
		return nil, j.added, nil
	case j.revision-revision > uint64(len(j.ring)):
		return nil, nil, ErrLagged
	}
	n = min(n, int(j.revision-revision))
	changes := make([]change, n)
	for i := range changes {
		changes[i] = j.ring[(revision+1+uint64(i))%uint64(len(j.ring))]
	}
	return changes, nil, nil
}
