package bootstrap

import (
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/grapevine-p2p/grapevine/internal/wire/pb"
)

// journal keeps the last changes for watchers, who read at their own pace and are
// told when they lag. They take no lock, so that adding one costs the same whoever
// watches.
type journal struct {
	epoch    uint64
	encode   encoder
	turns    *turns
	ring     []atomic.Pointer[noted]
	revision atomic.Uint64                 // of the newest change; the first is 1
	added    atomic.Pointer[chan struct{}] // closed by the next change, and replaced

	mu     sync.Mutex // whoever adds
	oldest uint64     // the revision of what is kept the longest
	size   int        // bytes that the changes take
}

// noted is a change in the journal.
type noted struct {
	change
	revision uint64
	encoded  atomic.Pointer[encoding] // nil: nobody has asked
}

// cost is the number of bytes that a change takes beyond the table: what it tells of may
// have ended, and it is kept as it is sent besides.
func (n *noted) cost() int {
	told := costOf(n.entry.claim, n.entry.told()) - entryCost
	if n.removal != nil {
		told += len(n.removal.sealed)
	}
	return changeCost + 2*told
}

// encoding is a change as it is sent at some time: the spans in it count from there.
type encoding struct {
	at   time.Time
	data []byte
}

func newJournal(size int, epoch uint64, encode encoder) *journal {
	j := &journal{epoch: epoch, encode: encode, turns: newTurns(size), ring: make([]atomic.Pointer[noted], size), oldest: 1}
	added := make(chan struct{})
	j.added.Store(&added)
	return j
}

func (j *journal) add(changes ...change) {
	if len(changes) == 0 {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, c := range changes {
		c.was = nil
		j.keep(&noted{change: c, revision: j.revision.Load() + 1})
	}
	next := make(chan struct{})
	close(*j.added.Swap(&next))
}

// keep adds one change, in place of as many of the oldest as it takes.
func (j *journal) keep(n *noted) {
	j.size += n.cost()
	for n.revision-j.oldest >= uint64(len(j.ring)) {
		j.drop()
	}
	crowded := j.size > journalBytes
	for j.size > journalBytes && j.oldest < n.revision {
		j.drop()
	}
	j.slot(n.revision).Store(n)
	j.revision.Store(n.revision)
	if kept := n.revision - j.oldest + 1; crowded || kept > j.turns.kept.Load() {
		j.turns.kept.Store(kept)
	}
}

// goesOn reports whether what follows a revision is kept, and will be for a while.
func (j *journal) goesOn(revision uint64) bool {
	return j.revision.Load()-revision <= j.turns.kept.Load()/2
}

func (j *journal) drop() {
	j.size -= j.slot(j.oldest).Swap(nil).cost()
	j.oldest++
}

// now returns the revision of the newest change.
func (j *journal) now() uint64 { return j.revision.Load() }

// changed returns a channel that is closed when there is another change than those
// that now tells of after it.
func (j *journal) changed() <-chan struct{} { return *j.added.Load() }

func (j *journal) slot(revision uint64) *atomic.Pointer[noted] {
	return &j.ring[revision%uint64(len(j.ring))]
}

// read passes changes that follow a revision until one is not taken, and returns how
// many were. It fails with ErrLagged when they are no longer kept.
func (j *journal) read(revision uint64, take func(*noted) bool) (count int, err error) {
	now := j.now()
	if revision > now { // of another run
		return 0, ErrLagged
	}
	for revision < now {
		revision++
		c := j.slot(revision).Load()
		if c == nil || c.revision != revision { // others have taken its place
			return count, ErrLagged
		}
		if !take(c) {
			break
		}
		count++
	}
	return count, nil
}

// after returns up to n changes that follow a revision, or when there are none a
// channel that is closed when there are. It fails with ErrLagged when they are no
// longer kept.
func (j *journal) after(revision uint64, n int) (changes []change, wait <-chan struct{}, err error) {
	wait = j.changed()
	_, err = j.read(revision, func(c *noted) bool {
		if len(changes) == n {
			return false
		}
		changes = append(changes, c.change)
		return true
	})
	switch {
	case err != nil:
		return nil, nil, err
	case len(changes) > 0:
		return changes, nil, nil
	default:
		return nil, wait, nil
	}
}

// frames writes the changes that follow a revision as answers to a request into a
// buffer, one after the other, and returns how many those are. Full tells that there
// was no room for the next; for one there always is. Each is encoded once for all who
// ask within listingAge.
func (j *journal) frames(buffer []byte, now time.Time, request, revision uint64) (frames []byte, count int, full bool, err error) {
	var head []byte
	if request != 0 {
		head = protowire.AppendVarint(protowire.AppendTag(nil, responseID, protowire.VarintType), request)
	}
	frames = buffer[:0]
	count, err = j.read(revision, func(c *noted) bool {
		data := j.encodedOf(c, now)
		size := len(head) + len(data)
		if full = len(frames)+protowire.SizeBytes(size) > cap(buffer) && len(frames) > 0; full {
			return false
		}
		frames = protowire.AppendVarint(frames, uint64(size))
		frames = append(frames, head...)
		frames = append(frames, data...)
		return true
	})
	return frames, count, full, err
}

// responseID is the number of the field id of a DirectoryResponse.
const responseID = 1

func (j *journal) encodedOf(c *noted, now time.Time) []byte {
	if is := c.encoded.Load(); is != nil && now.Sub(is.at) <= listingAge {
		return is.data
	}
	data := marshal(&pb.DirectoryResponse{Body: &pb.DirectoryResponse_Change{Change: &pb.DirectoryChange{
		Epoch: j.epoch, Revision: c.revision,
		Kind:  pb.DirectoryChangeKind(c.kind),
		Entry: encodeChanged(&c.change, now, j.encode),
	}}})
	c.encoded.Store(&encoding{now, data})
	return data
}
