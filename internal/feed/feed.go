// Package feed hands each event to every reader that follows, over bounded queues: a
// slow reader loses the oldest, is told so, and holds nobody up.
package feed

import (
	"context"
	"iter"
	"sync"
)

// Feed is where events are published. It may be used concurrently. Make it with [New].
type Feed[T any] struct {
	size int

	mu      sync.Mutex
	readers map[*Reader[T]]struct{}
	closed  bool
}

// New returns a feed whose readers may each be size events behind.
func New[T any](size int) *Feed[T] {
	return &Feed[T]{size: size, readers: make(map[*Reader[T]]struct{})}
}

// Reader follows a feed, for one goroutine.
type Reader[T any] struct {
	// C has the events from Follow on. It is closed with the feed.
	C <-chan T

	feed   *Feed[T]
	queue  chan T
	lagged bool // guarded by feed.mu
}

// Follow returns a reader of what is published from now on.
func (f *Feed[T]) Follow() *Reader[T] {
	f.mu.Lock()
	defer f.mu.Unlock()
	queue := make(chan T, f.size)
	r := &Reader[T]{C: queue, feed: f, queue: queue}
	if f.closed {
		close(queue)
	} else {
		f.readers[r] = struct{}{}
	}
	return r
}

// Publish hands an event to every reader. It never waits.
func (f *Feed[T]) Publish(event T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for r := range f.readers {
		select {
		case r.queue <- event:
			continue
		default:
		}
		r.lagged = true
		select { // the oldest makes room
		case <-r.queue:
		default:
		}
		r.queue <- event // only Publish sends, and it has the lock
	}
}

// Close ends every reader, after what it has not read yet.
func (f *Feed[T]) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	for r := range f.readers {
		close(r.queue)
		delete(f.readers, r)
	}
}

// All yields what is published from the call on, until the context or the feed ends
// or the caller breaks. After events were lost it yields the error lagged once, and
// goes on with the oldest that are left.
func (f *Feed[T]) All(ctx context.Context, lagged error) iter.Seq2[T, error] {
	r := f.Follow()
	stop := context.AfterFunc(ctx, r.Close) // also where nobody ever reads
	return func(yield func(T, error) bool) {
		defer r.Close()
		defer stop()
		for {
			select {
			case <-ctx.Done():
				return
			case event, open := <-r.C:
				if !open {
					return
				}
				var none T
				if r.Lagged() && !yield(none, lagged) || !yield(event, nil) {
					return
				}
			}
		}
	}
}

// Lagged tells whether events were lost since it was asked last.
func (r *Reader[T]) Lagged() bool {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	was := r.lagged
	r.lagged = false
	return was
}

// Close lets the feed forget the reader.
func (r *Reader[T]) Close() {
	r.feed.mu.Lock()
	defer r.feed.mu.Unlock()
	delete(r.feed.readers, r)
}
