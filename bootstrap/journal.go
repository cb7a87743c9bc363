package bootstrap

import (
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// journal keeps the last changes for watchers, who read at their own pace and are
// told when they lag. Adding one costs the same whoever watches.
type journal struct {
	epoch  uint64
	encode func(*entry, time.Time) *pb.DirectoryEntry

	readers atomic.Int64
	waited  atomic.Bool

	mu       sync.RWMutex // whoever adds goes before the many who read
	ring     []change
	encoded  []atomic.Pointer[[]byte] // as the ring: each as it is sent, once somebody has asked
	revision uint64                   // of the newest change; the first is 1
	added    chan struct{}            // closed by the next change, if somebody waits, and replaced
}

func newJournal(size int, epoch uint64, encode func(*entry, time.Time) *pb.DirectoryEntry) *journal {
	return &journal{epoch: epoch, encode: encode, ring: make([]change, size), encoded: make([]atomic.Pointer[[]byte], size), added: make(chan struct{})}
}

func (j *journal) add(changes ...change) {
	if len(changes) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range changes {
		j.revision++
		c.was = nil
		at := j.revision % uint64(len(j.ring))
		j.ring[at] = c
		j.encoded[at].Store(nil)
	}
	if j.waited.Swap(false) {
		// To wake thousands takes a while, in which others shall register.
		go close(j.added)
		j.added = make(chan struct{})
	}
}

// now returns the revision of the newest change.
func (j *journal) now() uint64 {
	j.mu.RLock()
	defer j.mu.RUnlock()
	return j.revision
}

// after returns up to n changes that follow a revision, or when there are none a
// channel that is closed when there are. It fails with ErrLagged when they are no
// longer kept.
func (j *journal) after(revision uint64, n int) ([]change, <-chan struct{}, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	n, wait, err := j.available(revision, n)
	if n == 0 {
		return nil, wait, err
	}
	changes := make([]change, n)
	for i := range changes {
		changes[i] = j.ring[j.at(revision, i)]
	}
	return changes, nil, nil
}

// frames is like after, and appends the changes as answers to a request, one after
// the other, and returns how many they are. Each is encoded once, for all who ask.
func (j *journal) frames(to []byte, now time.Time, request, revision uint64, n int) (frames []byte, count int, wait <-chan struct{}, err error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	n, wait, err = j.available(revision, n)
	if n == 0 {
		return to, 0, wait, err
	}
	frames = to
	var head []byte
	if request != 0 {
		head = protowire.AppendVarint(protowire.AppendTag(nil, responseID, protowire.VarintType), request)
	}
	for i := range n {
		at := j.at(revision, i)
		encoded := j.encoded[at].Load()
		if encoded == nil {
			c := &j.ring[at]
			data := marshal(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Change{Change: &pb.DirectoryChange{
				Epoch: j.epoch, Revision: revision + 1 + uint64(i),
				Kind:  pb.DirectoryChangeKind(c.kind),
				Entry: encodeChanged(c, now, j.encode),
			}}})
			encoded = &data
			j.encoded[at].Store(encoded)
		}
		frames = protowire.AppendVarint(frames, uint64(len(head)+len(*encoded)))
		frames = append(frames, head...)
		frames = append(frames, *encoded...)
	}
	return frames, n, nil, nil
}

// responseID is the number of the field id of a DirectoryResponse.
const responseID = 1

func (j *journal) at(revision uint64, i int) uint64 {
	return (revision + 1 + uint64(i)) % uint64(len(j.ring))
}

// available returns how many changes of up to n follow a revision, or a channel to
// wait on. It is called with mu held.
func (j *journal) available(revision uint64, n int) (int, <-chan struct{}, error) {
	switch {
	case revision > j.revision:
		return 0, nil, ErrLagged // of another run
	case revision == j.revision:
		j.waited.Store(true)
		return 0, j.added, nil
	case j.revision-revision > uint64(len(j.ring)):
		return 0, nil, ErrLagged
	}
	return min(n, int(j.revision-revision)), nil, nil
}

// join counts a reader until it leaves.
func (j *journal) join() (leave func()) {
	j.readers.Add(1)
	return func() { j.readers.Add(-1) }
}

// pause is how long a reader gathers changes before it reads again, so that many
// readers cost no more of a second than some.
func (j *journal) pause() time.Duration {
	return pauseOf(int(j.readers.Load()))
}

func pauseOf(readers int) time.Duration {
	return time.Duration(max(0, readers-promptWatchers)) * watcherShare
}
