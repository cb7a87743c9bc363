package summary

import "slices"

// Bank holds the filters that a node knows and tests a query against all of them. Its
// zero value is ready. It shares the filters and adds 8 bytes for each. It may be asked
// by several goroutines at once, but not while it changes.
type Bank struct {
	slots   []*Filter // none of them nil
	nothing *Filter   // what stands in slots without a filter
	free    []int     // slots to be given again
	bytes   int
}

// together is how many filters are tested together: more than a node knows with the
// links that it has by default, so that one round does.
const together = 1024

// Add holds f and returns its slot: a small number that is f's until it is removed.
func (b *Bank) Add(f *Filter) int {
	at := len(b.slots)
	if n := len(b.free); n > 0 {
		at, b.free = b.free[n-1], b.free[:n-1]
	} else {
		b.slots = append(b.slots, nil)
	}
	b.Set(at, f)
	return at
}

// Set holds f in a slot that [Bank.Add] gave, in place of the filter there.
func (b *Bank) Set(at int, f *Filter) {
	b.bytes += f.Size() - b.Get(at).Size()
	if f == nil {
		f = b.none()
	}
	b.slots[at] = f
}

// Remove lets go of the filter in a slot, and of the slot, which may be given to
// another then.
func (b *Bank) Remove(at int) {
	if at < 0 || at >= len(b.slots) || slices.Contains(b.free, at) {
		return
	}
	b.Set(at, nil)
	b.free = append(b.free, at)
}

// Get returns the filter in a slot, nil if there is none.
func (b *Bank) Get(at int) *Filter {
	if at < 0 || at >= len(b.slots) || b.slots[at] == b.nothing {
		return nil
	}
	return b.slots[at]
}

// Len returns how many slots are in use.
func (b *Bank) Len() int { return len(b.slots) - len(b.free) }

// Bytes returns the size of the bits of all filters held.
func (b *Bank) Bytes() int { return b.bytes }

// none returns the filter for empty slots: with it there, [Bank.Match] need not look
// for them.
func (b *Bank) none() *Filter {
	if b.nothing == nil {
		b.nothing = &Filter{bits: make([]byte, 1)}
	}
	return b.nothing
}

// Match appends the slots of the filters that match p, ascending. It allocates nothing
// if slots has room.
func (b *Bank) Match(p *Pattern, slots []int32) []int32 {
	if p.empty() {
		return slots
	}
	var scratch [together]int32
	for from := 0; from < len(b.slots); from += together {
		filters := b.slots[from:min(from+together, len(b.slots))]
		for _, at := range sift(filters, p.probes, scratch[:len(filters)]) {
			if filters[at].pairsMatch(p) {
				slots = append(slots, int32(from)+at)
			}
		}
	}
	return slots
}

// sift returns the places of the filters that have all bits that probes fall on. It
// goes through all filters for two of the bits, then through those that are left for
// the next two. Nothing in a pass branches on what a filter holds, so that the loads
// do not wait for each other: twice as fast as testing one filter after the other.
func sift(filters []*Filter, probes []uint64, left []int32) []int32 {
	for i := range left {
		left[i] = int32(i)
	}
	for ; len(probes) > 1 && len(left) > 0; probes = probes[2:] { // Hashes is even
		g, h := probes[0], probes[1]
		n := 0
		for _, at := range left {
			left[n] = at
			in := filters[at].bits
			n += int(bit(in, g) & bit(in, h))
		}
		left = left[:n]
	}
	return left
}
