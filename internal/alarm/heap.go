// Package alarm keeps things in the order in which they have to be looked at again.
package alarm

import (
	"cmp"
	"container/heap"
)

// Alarm is embedded in each thing of a [Heap].
type Alarm[T cmp.Ordered] struct {
	rings T
	index int32 // in the heap
}

// Rings is when the alarm rings, by the clock of its heap.
func (a *Alarm[T]) Rings() T { return a.rings }

func (a *Alarm[T]) alarm() *Alarm[T] { return a }

// Heap is things by when their alarms ring. An empty one is ready for use; it has no
// lock.
type Heap[E interface{ alarm() *Alarm[T] }, T cmp.Ordered] struct {
	sorted sorted[E, T]
}

// Len is the number of things.
func (h *Heap[E, T]) Len() int { return len(h.sorted) }

// Push adds a thing whose alarm will ring then.
func (h *Heap[E, T]) Push(e E, at T) {
	e.alarm().rings = at
	heap.Push(&h.sorted, e)
}

// Set sets the alarm of a thing anew.
func (h *Heap[E, T]) Set(e E, at T) {
	e.alarm().rings = at
	heap.Fix(&h.sorted, int(e.alarm().index))
}

// Remove takes a thing out.
func (h *Heap[E, T]) Remove(e E) { heap.Remove(&h.sorted, int(e.alarm().index)) }

// First returns the thing whose alarm rings first; false if there is none.
func (h *Heap[E, T]) First() (first E, some bool) {
	if len(h.sorted) == 0 {
		return first, false
	}
	return h.sorted[0], true
}

// All are the things, in no order, until the next change.
func (h *Heap[E, T]) All() []E { return h.sorted }

// Has reports whether the thing is in the heap.
func (h *Heap[E, T]) Has(e E) bool {
	i := int(e.alarm().index)
	return i < len(h.sorted) && h.sorted[i].alarm() == e.alarm()
}

// sorted is what package heap sorts.
type sorted[E interface{ alarm() *Alarm[T] }, T cmp.Ordered] []E

func (s sorted[E, T]) Len() int           { return len(s) }
func (s sorted[E, T]) Less(i, j int) bool { return s[i].alarm().rings < s[j].alarm().rings }
func (s sorted[E, T]) Swap(i, j int) {
	s[i], s[j] = s[j], s[i]
	s[i].alarm().index, s[j].alarm().index = int32(i), int32(j)
}

func (s *sorted[E, T]) Push(x any) {
	e := x.(E)
	e.alarm().index = int32(len(*s))
	*s = append(*s, e)
}

func (s *sorted[E, T]) Pop() any {
	var none E
	last := len(*s) - 1
	e := (*s)[last]
	(*s)[last] = none
	*s = (*s)[:last]
	return e
}
