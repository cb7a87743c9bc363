package summary

// Bank holds the filters that a node knows and tests a query against all of them. Its
// zero value is ready. It shares the filters' bits and adds some 50 bytes a slot. It is
// not for use by several goroutines at once.
type Bank struct {
	slots   []slot
	free    []int32 // slots that are to be used again
	bytes   int
	matches []int32 // scratch of Match, as long as slots
}

type slot struct {
	bits   []byte // of filter, or one byte of zeros: Match needs no test for it
	filter *Filter
	used   bool
}

// Add holds f and returns its slot: a small number that is f's until it is removed.
func (b *Bank) Add(f *Filter) int {
	at := len(b.slots)
	if n := len(b.free); n > 0 {
		at, b.free = int(b.free[n-1]), b.free[:n-1]
	} else {
		b.slots = append(b.slots, slot{})
		b.matches = append(b.matches, 0)
	}
	b.slots[at].used = true
	b.Set(at, f)
	return at
}

// Set holds f in place of the filter in a slot that [Bank.Add] gave.
func (b *Bank) Set(at int, f *Filter) {
	s := &b.slots[at]
	b.bytes += f.Size() - s.filter.Size()
	s.filter = f
	if f != nil {
		s.bits = f.bits
	} else {
		s.bits = []byte{0}
	}
}

// Remove lets go of the filter in a slot, which may be given to another then.
func (b *Bank) Remove(at int) {
	if !b.slots[at].used {
		return
	}
	b.Set(at, nil)
	b.slots[at].used = false
	b.free = append(b.free, int32(at))
}

// Get returns the filter in a slot, nil if there is none.
func (b *Bank) Get(at int) *Filter {
	if at < 0 || at >= len(b.slots) {
		return nil
	}
	return b.slots[at].filter
}

// Len returns how many slots are in use.
func (b *Bank) Len() int { return len(b.slots) - len(b.free) }

// Bytes returns the size of the bits of all filters held.
func (b *Bank) Bytes() int { return b.bytes }

// Match appends the slots of the filters that match p, ascending. It allocates nothing
// if slots has room.
//
// It goes through all filters for the first bit, then through those that have it for
// the second, and so on. None of the tests of a pass waits for another, so that the
// processor has many loads from memory under way at once.
func (b *Bank) Match(p *Pattern, slots []int32) []int32 {
	if p.empty() {
		return slots
	}
	left := b.matches
	n := 0
	for at := range b.slots {
		left[n] = int32(at)
		n += int(bit(b.slots[at].bits, p.probes[0]))
	}
	for _, h := range p.probes[1:] {
		if n == 0 {
			return slots
		}
		left, n = left[:n], 0
		for _, at := range left {
			left[n] = at
			n += int(bit(b.slots[at].bits, h))
		}
	}
	for _, at := range left[:n] {
		if b.slots[at].filter.together(p) {
			slots = append(slots, at)
		}
	}
	return slots
}
