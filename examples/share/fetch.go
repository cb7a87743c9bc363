package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/grapevine-p2p/grapevine/internal/display"
)

var errNoHolders = errors.New("no holder is left that gives the file")

// fetching downloads one file from several holders at once. Its fields before the
// mutex are set by who makes it.
type fetching struct {
	id   contentID
	dest string
	// force begins anew over another unfinished download.
	force bool
	// slow is after how long a range is asked of a second holder, when nothing else is
	// left to ask for.
	slow time.Duration

	// What is told, never two at once.
	begun   func(have, size int64)
	came    func(from peer.ID, bytes int64)
	saved   func(have, size int64)
	dropped func(holder peer.ID, err error)

	mu      sync.Mutex
	part    *part // nil until a holder has proved the size
	pending []int // ranges that nobody was asked for
	flying  map[int]flight
	left    int           // ranges that are not written
	changed chan struct{} // closed when a waiting worker should look again
	failed  error         // of our own disk: no other holder helps
	from    map[peer.ID]int64
	faults  map[peer.ID]int
	cause   error // of the last failure of a holder

	sizing sync.Mutex // held while a size is being proved
}

// flight is a range that was asked for.
type flight struct {
	asked int // by so many workers
	since time.Time
}

// prepare makes the fields that nobody sets.
func (f *fetching) prepare() {
	f.flying = map[int]flight{}
	f.changed = make(chan struct{})
	f.from = map[peer.ID]int64{}
	f.faults = map[peer.ID]int{}
}

// run downloads from the holders that come in until the file is whole, or the last of
// them is dropped.
func (f *fetching) run(ctx context.Context, holders <-chan *holder) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var working sync.WaitGroup
	defer working.Wait()
	defer cancel()
	ended := make(chan struct{}, maxHolders)
	active := 0
	for holders != nil || active > 0 {
		over, changed := f.over()
		if over {
			break
		}
		take := holders
		if active == maxHolders {
			take = nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case h, open := <-take:
			if !open {
				holders = nil
				break
			}
			if f.refused(h.id) {
				h.close()
				break
			}
			active++
			working.Go(func() {
				f.use(ctx, h)
				ended <- struct{}{}
			})
		case <-ended:
			active--
		case <-changed:
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.failed != nil:
		return f.failed
	case f.part != nil && f.left == 0:
		return nil
	case f.cause != nil:
		return fmt.Errorf("%w; the last was %w", errNoHolders, f.cause)
	}
	return errNoHolders
}

// over tells that nothing is left to do, and what is closed when that may have changed.
func (f *fetching) over() (bool, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed != nil || f.part != nil && f.left == 0, f.changed
}

func (f *fetching) refused(id peer.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.faults[id] >= maxFaults
}

// use asks one holder for ranges until nothing is left or it fails.
func (f *fetching) use(ctx context.Context, h *holder) {
	defer h.close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	err := f.agree(ctx, h)
	if err == nil {
		var workers sync.WaitGroup
		errs := make(chan error, holderRanges)
		for range holderRanges {
			workers.Go(func() {
				err := f.work(ctx, h)
				if err != nil {
					cancel() // the holder's other ranges go to others too
				}
				errs <- err
			})
		}
		workers.Wait()
		for range holderRanges {
			if e := <-errs; e != nil && (err == nil || errors.Is(e, errDamaged)) && !errors.Is(e, context.Canceled) {
				err = e
			}
		}
	}
	if over, _ := f.over(); err != nil && !errors.Is(err, context.Canceled) && !over {
		f.drop(h, err)
	}
}

// drop notes a holder's failure; one that lies is not asked again.
func (f *fetching) drop(h *holder, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults[h.id]++
	if errors.Is(err, errDamaged) {
		f.faults[h.id] = maxFaults
		h.accuse()
	}
	f.cause = fmt.Errorf("%s: %w", display.Fingerprint(h.id.String()), err)
	f.dropped(h.id, err)
}

// agree checks a holder's size against the proved one. The first holder proves its own
// by the file's last bytes.
func (f *fetching) agree(ctx context.Context, h *holder) error {
	f.sizing.Lock()
	defer f.sizing.Unlock()
	f.mu.Lock()
	known := f.part
	f.mu.Unlock()
	if known == nil {
		if err := f.prove(ctx, h); err != nil {
			return err
		}
		return f.begin(h.size)
	}
	if known.size != h.size {
		return fmt.Errorf("it says %d bytes, which are %d: %w", h.size, known.size, errDamaged)
	}
	return nil
}

func (f *fetching) prove(ctx context.Context, h *holder) error {
	if h.size == 0 {
		if f.id != emptyID() {
			return errDamaged
		}
		return nil
	}
	offset, length := lastGroup(h.size)
	slice, err := h.read(ctx, offset, length)
	if err != nil {
		return err
	}
	_, err = checkSlice(f.id, h.size, slice, offset, length)
	return err
}

// begin opens the download, its size being known.
func (f *fetching) begin(size int64) error {
	p, err := openPart(f.id, size, f.dest, f.force)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.failed = err
		f.wake()
		return err
	}
	f.part = p
	f.pending = p.missing()
	f.left = len(f.pending)
	f.begun(p.have(), size)
	f.wake()
	return nil
}

// work fetches ranges from a holder.
func (f *fetching) work(ctx context.Context, h *holder) error {
	busy := 0
	for {
		i, more, err := f.take(ctx)
		if err != nil || !more {
			return err
		}
		data, err := f.fetch(ctx, h, i)
		if err != nil {
			f.giveBack(i)
			if errors.Is(err, errBusy) && busy < maxBusy {
				busy++
				if err := pause(ctx, busyTime); err != nil {
					return err
				}
				continue
			}
			return err
		}
		busy = 0
		f.put(h.id, i, data)
	}
}

// fetch returns the verified bytes of a range.
func (f *fetching) fetch(ctx context.Context, h *holder, i int) ([]byte, error) {
	offset, length := f.part.bounds(i)
	slice, err := h.read(ctx, offset, length)
	if err != nil {
		return nil, err
	}
	return checkSlice(f.id, f.part.size, slice, offset, length)
}

// take waits for a range to ask for; there is none more when all are written.
func (f *fetching) take(ctx context.Context) (i int, more bool, err error) {
	for {
		over, changed := f.over()
		if over {
			return 0, false, nil
		}
		if i, more := f.next(time.Now()); more {
			return i, true, nil
		}
		select {
		case <-ctx.Done():
			return 0, false, ctx.Err()
		case <-changed:
		case <-time.After(f.slow):
		}
	}
}

// next is a range that nobody was asked for, or one that takes long.
func (f *fetching) next(now time.Time) (int, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.left == 0 || f.failed != nil {
		return 0, false
	}
	if len(f.pending) > 0 {
		i := f.pending[0]
		f.pending = f.pending[1:]
		f.flying[i] = flight{1, now}
		return i, true
	}
	for i, flown := range f.flying {
		if flown.asked == 1 && now.Sub(flown.since) >= f.slow {
			f.flying[i] = flight{2, now}
			return i, true
		}
	}
	return 0, false
}

// giveBack lets another ask for a range.
func (f *fetching) giveBack(i int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	flown, flying := f.flying[i]
	switch {
	case !flying: // written meanwhile
	case flown.asked > 1:
		f.flying[i] = flight{flown.asked - 1, flown.since}
	default:
		delete(f.flying, i)
		f.pending = append(f.pending, i)
		f.wake()
	}
}

// put writes a range, unless another holder was faster.
func (f *fetching) put(from peer.ID, i int, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, flying := f.flying[i]; !flying || f.failed != nil {
		return
	}
	delete(f.flying, i)
	saved, err := f.part.write(i, data)
	if err != nil {
		f.failed = fmt.Errorf("keep the file: %w", err)
		f.wake()
		return
	}
	f.left--
	f.from[from] += int64(len(data))
	f.came(from, int64(len(data)))
	if saved {
		f.saved(f.part.have(), f.part.size)
	}
	if f.left == 0 {
		f.wake()
	}
}

// wake has all waiting workers look again. f.mu is held.
func (f *fetching) wake() {
	close(f.changed)
	f.changed = make(chan struct{})
}

// pause waits, or ends with the context.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// bytes is what came so far.
func (f *fetching) bytes() (n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, from := range f.from {
		n += from
	}
	return n
}
