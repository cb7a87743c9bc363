package overlay

import "slices"

// seen is the set of origins that a walk knows of by now, as a bit for each mark:
// some share a bit, the more the fuller it is. The zero value keeps nothing.
type seen struct {
	bits []byte
	ones int
}

func newSeen(bits []byte) seen {
	s := seen{bits: slices.Clone(bits)}
	for _, b := range s.bits {
		for ; b != 0; b &= b - 1 {
			s.ones++
		}
	}
	return s
}

// add puts a mark in, and tells whether it was not there.
func (s *seen) add(mark uint32) bool {
	if len(s.bits) == 0 {
		return true
	}
	at := int(mark % uint32(8*len(s.bits))) // not negative where an int has 32 bits
	bit := byte(1) << (at & 7)
	if s.bits[at>>3]&bit != 0 {
		return false
	}
	s.bits[at>>3] |= bit
	s.ones++
	return true
}

// corrected returns how many of a sample were new, given how many seemed to be.
func (s *seen) corrected(fresh int) int {
	free := 8*len(s.bits) - s.ones + fresh/2
	if free <= 0 {
		return fresh
	}
	return fresh * 8 * len(s.bits) / free
}

// seen returns a set of so many bytes that holds what the node itself knows of.
func (c *Core) seen(size int) []byte {
	s := seen{bits: make([]byte, size)}
	s.add(c.self.Peer.Mark())
	for i := range c.origins.all {
		if o := &c.origins.all[i]; o.peer != "" {
			s.add(o.mark)
		}
	}
	return s.bits
}

// cover notes which origins the walk knows of by now. Those that are known through
// the peer that it came from are no sample of the overlay, for it has been there.
func (c *Core) cover(k *carried) {
	w := &k.walk
	from := uint64(0)
	if l := c.slots[k.slot]; l != nil && l.serial == k.from {
		from = l.bit()
	}
	seen := newSeen(w.Seen)
	fresh, sample := 0, 0
	k.known = len(c.origins.places)
	for i := range c.origins.all {
		o := &c.origins.all[i]
		if o.peer == "" {
			continue
		}
		isNew := seen.add(o.mark)
		if o.via&^from == 0 {
			continue
		}
		sample++
		if isNew {
			fresh++
		}
	}
	w.Seen = seen.bits
	w.Tally.Covered += uint32(fresh)
	if len(w.Seen) > 0 {
		w.Tally.Known = aged(w.Tally.Known) + uint32(SampleWeight*sample)
		w.Tally.Fresh = aged(w.Tally.Fresh) + uint32(SampleWeight*seen.corrected(fresh))
	}
}

// aged takes the weight of a sample off what the running mean holds, all of it in
// the end.
func aged(n uint32) uint32 { return n - (n+SampleWindow-1)/SampleWindow }
